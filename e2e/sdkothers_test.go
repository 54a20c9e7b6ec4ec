package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/resend/resend-go/v2"
	"google.golang.org/genai"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/plugins/anthropic/anthropicfake"
	"github.com/keywicket/keywicket/plugins/gemini/geminifake"
)

func anthropicSDK(c *client.Connection, more ...option.RequestOption) (anthropic.Client, *counter) {
	web, n := counted(c)
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithHTTPClient(web), option.WithBaseURL(c.BaseURL("llm:anthropic")), option.WithAPIKey("not-a-key"),
	}, more...)...), n
}

func anthropicQuestion(model string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 64,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Say something."))},
	}
}

// charged is Anthropic's usage in the gateway's terms: cached tokens are inside.
func charged(u anthropic.Usage) client.Totals {
	return client.Totals{
		Requests: 1, InputTokens: u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens, OutputTokens: u.OutputTokens,
		CachedTokens: u.CacheReadInputTokens, CacheWriteTokens: u.CacheCreationInputTokens,
	}
}

// TestAnthropicSDK drives anthropic-sdk-go: messages, streams, tools, thinking,
// the counting of tokens, the models.
func TestAnthropicSDK(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account(t, "llm:anthropic")
	ai, n := anthropicSDK(a.c)
	ctx := t.Context()

	message, err := ai.Messages.New(ctx, anthropicQuestion(sonnet))
	if err != nil || message.Content[0].Text != anthropicfake.DefaultAnswer || message.Usage.CacheReadInputTokens != 100 {
		t.Fatalf("message: %+v, %v", message, err)
	}
	a.spent(t, sonnet, charged(message.Usage))

	p := anthropicQuestion(sonnet)
	p.MaxTokens, p.Thinking = 2048, anthropic.ThinkingConfigParamOfEnabled(1024)
	stream := ai.Messages.NewStreaming(ctx, p)
	var all anthropic.Message
	for stream.Next() {
		if err := all.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil || len(all.Content) != 2 || all.Content[1].Text != anthropicfake.DefaultAnswer {
		t.Fatalf("stream: %+v, %v", all.Content, err)
	}
	a.spent(t, sonnet, charged(all.Usage))

	p = anthropicQuestion(sonnet)
	p.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "lookup", InputSchema: anthropic.ToolInputSchemaParam{}}}}
	p.ToolChoice = anthropic.ToolChoiceUnionParam{OfAny: &anthropic.ToolChoiceAnyParam{}}
	used, err := ai.Messages.New(ctx, p)
	if err != nil || used.StopReason != anthropic.StopReasonToolUse || used.Content[0].Name != "lookup" {
		t.Fatalf("tools: %+v, %v", used, err)
	}
	a.spent(t, sonnet, charged(used.Usage))

	count, err := ai.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{Model: sonnet, Messages: p.Messages})
	if err != nil || count.InputTokens == 0 {
		t.Errorf("count: %+v, %v", count, err)
	}
	a.spent(t, "", tokens(0, 0))
	models, err := ai.Models.List(ctx, anthropic.ModelListParams{})
	if err != nil || len(models.Data) != 3 || models.Data[0].ID != sonnet {
		t.Errorf("models: %+v, %v", models, err)
	}
	if sent := n.sent(); len(sent) != 5 {
		t.Errorf("sent %v", sent)
	}
	checkCredential(t, h.anthropic.Requests()[0].Header, "X-Api-Key", anthropicfake.DefaultKey)
}

func genaiSDK(t *testing.T, c *client.Connection) (*genai.Client, *counter) {
	t.Helper()
	web, n := counted(c)
	ai, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: "not-a-key", HTTPClient: web,
		HTTPOptions: genai.HTTPOptions{BaseURL: c.BaseURL("llm:gemini")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return ai, n
}

// spentBy is Gemini's usage in the gateway's terms: thoughts are inside.
func spentBy(u *genai.GenerateContentResponseUsageMetadata) client.Totals {
	return client.Totals{
		Requests: 1, InputTokens: int64(u.PromptTokenCount + u.ToolUsePromptTokenCount), CachedTokens: int64(u.CachedContentTokenCount),
		OutputTokens: int64(u.CandidatesTokenCount + u.ThoughtsTokenCount),
	}
}

// TestGenAISDK drives google.golang.org/genai: contents, streams, functions,
// counting, embeddings, models.
func TestGenAISDK(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account(t, "llm:gemini")
	ai, n := genaiSDK(t, a.c)
	ctx := t.Context()

	whole, err := ai.Models.GenerateContent(ctx, flash, genai.Text("say something"), &genai.GenerateContentConfig{MaxOutputTokens: 64, CandidateCount: 2})
	if err != nil || whole.Text() != geminifake.DefaultAnswer || whole.UsageMetadata.ThoughtsTokenCount != 20 {
		t.Fatalf("generate: %+v, %v", whole, err)
	}
	a.spent(t, flash, spentBy(whole.UsageMetadata))

	text := ""
	var last *genai.GenerateContentResponse
	for part, err := range ai.Models.GenerateContentStream(ctx, flash, genai.Text("say something"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		text += part.Text()
		last = part
	}
	if text != geminifake.DefaultAnswer {
		t.Errorf("stream: %q", text)
	}
	a.spent(t, flash, spentBy(last.UsageMetadata))

	called, err := ai.Models.GenerateContent(ctx, flash, genai.Text("look it up"), &genai.GenerateContentConfig{
		Tools:      []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "lookup"}}}},
		ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny}},
	})
	if err != nil || len(called.FunctionCalls()) != 1 {
		t.Fatalf("functions: %+v, %v", called, err)
	}
	a.spent(t, flash, spentBy(called.UsageMetadata))

	count, err := ai.Models.CountTokens(ctx, flash, genai.Text("three little words"), nil)
	if err != nil || count.TotalTokens != 6 {
		t.Errorf("count: %+v, %v", count, err)
	}
	embedded, err := ai.Models.EmbedContent(ctx, "gemini-embedding-001", append(genai.Text("one"), genai.Text("two")...), nil)
	if err != nil || len(embedded.Embeddings) != 2 {
		t.Errorf("embed: %+v, %v", embedded, err)
	}
	page, err := ai.Models.List(ctx, nil)
	if err != nil || len(page.Items) != 3 {
		t.Errorf("models: %+v, %v", page, err)
	}
	model, err := ai.Models.Get(ctx, flash, nil)
	if err != nil || model.OutputTokenLimit != 65536 {
		t.Errorf("model: %+v, %v", model, err)
	}
	if sent := n.sent(); len(sent) != 7 {
		t.Errorf("sent %v", sent)
	}
	checkCredential(t, h.gemini.Requests()[0].Header, "X-Goog-Api-Key", geminifake.DefaultKey)
}

func resendSDK(t *testing.T, c *client.Connection) (*resend.Client, *counter) {
	t.Helper()
	web, n := counted(c)
	mail := resend.NewCustomClient(web, "not-a-key")
	var err error
	if mail.BaseURL, err = url.Parse(c.BaseURL("mail:resend") + "/"); err != nil {
		t.Fatal(err)
	}
	return mail, n
}

func letter(to ...string) *resend.SendEmailRequest {
	return &resend.SendEmailRequest{From: "Ada <ada@example.com>", To: to, Subject: "Hi", Text: "Hello."}
}

// TestResendSDK drives resend-go: one mail, a batch, and a look at what was sent.
func TestResendSDK(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account(t, "mail:resend")
	mail, _ := resendSDK(t, a.c)
	ctx := t.Context()
	options := &resend.SendEmailOptions{IdempotencyKey: "k-1"}
	sent, err := mail.Emails.SendWithOptions(ctx, letter("bob@example.org"), options)
	if err != nil {
		t.Fatal(err)
	}
	a.spent(t, "", tokens(0, 0))
	again, err := mail.Emails.SendWithOptions(ctx, letter("bob@example.org"), options)
	if err != nil || again.Id != sent.Id || len(h.resend.Sent()) != 1 {
		t.Errorf("again: %+v, %v; %d mails went out", again, err, len(h.resend.Sent()))
	}
	batch, err := mail.Batch.SendWithContext(ctx, []*resend.SendEmailRequest{letter("bob@example.org"), letter("eve@example.net")})
	if err != nil || len(batch.Data) != 2 || len(h.resend.Sent()) != 3 {
		t.Errorf("batch: %+v, %v", batch, err)
	}
	got, err := mail.Emails.GetWithContext(ctx, sent.Id)
	if err != nil || got.Id != sent.Id || !strings.Contains(got.From, "ada@example.com") {
		t.Errorf("get: %+v, %v", got, err)
	}
}

// checkCredential wants the owner's key at the provider, and nothing of the app's.
func checkCredential(t *testing.T, seen http.Header, name, key string) {
	t.Helper()
	if seen.Get(name) != key || seen.Get("Authorization") != "" || seen.Get("DPoP") != "" {
		t.Errorf("the provider saw %v", seen)
	}
}
