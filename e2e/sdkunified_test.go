package e2e_test

import (
	"slices"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// unified pairs an app that may use several providers on the one address.
func (h *house) unified(t *testing.T) map[string]*account {
	t.Helper()
	if _, err := h.Admin.SetAlias(t.Context(), admin.AliasInput{Name: "fast", Targets: []string{"groq/" + llama, "openai/gpt-4o-mini"}}); err != nil {
		t.Fatal(err)
	}
	limits := []members{{"per": "day", "requests": 1000}}
	c := h.pair(t, written([]members{
		{"resource": "llm:openai", "models": []string{"gpt-4*", "text-*"}, "limits": limits},
		{"resource": "llm:groq", "limits": limits},
		{"resource": "llm:anthropic", "limits": limits},
	}))
	all := map[string]*account{}
	for _, resource := range []string{"llm:openai", "llm:groq", "llm:anthropic"} {
		all[resource] = &account{house: h, c: c, resource: resource}
	}
	return all
}

// TestOneAddressSDK: the SDKs of OpenAI and Anthropic reach every provider on
// one address, by the name of the model, and each pays for its own.
func TestOneAddressSDK(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	accounts := h.unified(t)
	c := accounts["llm:openai"].c
	ai, n := openaiSDK(c, option.WithBaseURL(c.Issuer()+"/v1"))
	ctx := t.Context()
	chat := func(t *testing.T, asked, resource, model string) {
		t.Helper()
		r, err := ai.Chat.Completions.New(ctx, question(asked))
		if err != nil {
			t.Fatalf("%s: %v", asked, err)
		}
		accounts[resource].spent(t, model, tokens(r.Usage.PromptTokens, r.Usage.CompletionTokens))
	}
	chat(t, "groq/"+llama, "llm:groq", llama)
	chat(t, "openai/gpt-4o-mini", "llm:openai", "gpt-4o-mini")
	chat(t, "gpt-4o-mini", "llm:openai", "gpt-4o-mini")
	chat(t, "fast", "llm:groq", llama)

	s := ai.Chat.Completions.NewStreaming(ctx, question("groq/"+llama))
	events := 0
	for s.Next() {
		events++
	}
	if s.Err() != nil || events < 9 {
		t.Errorf("stream: %d events, %v", events, s.Err())
	}
	accounts["llm:groq"].spent(t, llama, tokens(8, 9))

	response, err := ai.Responses.New(ctx, responses.ResponseNewParams{
		Model: "openai/gpt-4.1", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("say something")},
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts["llm:openai"].spent(t, "gpt-4.1", tokens(response.Usage.InputTokens, response.Usage.OutputTokens))
	vectors, err := ai.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: "openai/text-embedding-3-small", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("two words")},
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts["llm:openai"].spent(t, "text-embedding-3-small", tokens(vectors.Usage.PromptTokens, 0))

	n.sent()
	if err := h.script("groq", fakeupstream.Fault{Status: 503, Times: 1}); err != nil {
		t.Fatal(err)
	}
	chat(t, "fast", "llm:openai", "gpt-4o-mini") // the alias's second
	if sent := n.sent(); len(sent) != 1 || sent[0] != 200 {
		t.Errorf("falling back, the SDK sent %v", sent)
	}

	page, err := ai.Models.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"fast": true, "groq/" + llama: true, "openai/gpt-4o-mini": true, "openai/o3": false} {
		if slices.ContainsFunc(page.Data, func(m openai.Model) bool { return m.ID == id }) != want {
			t.Errorf("%s is listed: %v", id, !want)
		}
	}
	oneAddressRefusals(t, ai, n)
	oneAddressMessages(t, c, accounts["llm:anthropic"])
}

// oneAddressRefusals asks for models that are not to be had.
func oneAddressRefusals(t *testing.T, ai openai.Client, n *counter) {
	n.sent()
	for model, want := range map[string]string{
		"openai/o3": "model_not_allowed", "mistral/mistral-small": "resource_not_granted", "nobody/gpt": "model_not_allowed",
	} {
		status, code := refusal(second(ai.Chat.Completions.New(t.Context(), question(model))))
		if code != want || status < 400 || client.CodeError(code) == nil {
			t.Errorf("%s: %d %s, want %s", model, status, code, want)
		}
	}
	if sent := n.sent(); len(sent) != 3 {
		t.Errorf("sent %v", sent)
	}
}

// oneAddressMessages speaks Anthropic's dialect.
func oneAddressMessages(t *testing.T, c *client.Connection, a *account) {
	ai, _ := anthropicSDK(c, anthropicoption.WithBaseURL(c.Issuer()))
	message, err := ai.Messages.New(t.Context(), anthropicQuestion("anthropic/"+sonnet))
	if err != nil {
		t.Fatal(err)
	}
	a.spent(t, sonnet, charged(message.Usage))
	count, err := ai.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: "anthropic/" + sonnet, Messages: anthropicQuestion(sonnet).Messages,
	})
	if err != nil || count.InputTokens == 0 {
		t.Errorf("count: %+v, %v", count, err)
	}
}
