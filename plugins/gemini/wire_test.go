package gemini

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/gemini/geminifake"
	"github.com/keywicket/keywicket/plugins/relaytest"
)

const flash = "gemini-2.5-flash"

// relay stands between the SDK and the fake.
func relay(t *testing.T, cfg geminifake.Config) (*relaytest.Relay, *geminifake.Server, *genai.Client) {
	t.Helper()
	upstream, err := geminifake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	r := relaytest.Start(t, relaytest.Config{Provider: provider(t), BaseURL: upstream.BaseURL(), Key: geminifake.DefaultKey})
	client, err := genai.NewClient(testContext(t), &genai.ClientConfig{
		APIKey: "clients-own", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: r.URL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, upstream, client
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestSDKGenerate(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, geminifake.Config{Thoughts: 20, Cached: 100, ToolUse: 5})
	answer, err := client.Models.GenerateContent(testContext(t), flash, genai.Text("say something nice"), &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser), MaxOutputTokens: 64, CandidateCount: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Text(); got != geminifake.DefaultAnswer {
		t.Errorf("got %q", got)
	}
	u := answer.UsageMetadata
	want := plugins.Usage{
		InputTokens: int64(u.PromptTokenCount + u.ToolUsePromptTokenCount), CachedTokens: 100,
		OutputTokens: int64(u.CandidatesTokenCount + u.ThoughtsTokenCount),
	}
	a := r.Last(t)
	if a.Usage != want || !a.Final || want.OutputTokens != 38 {
		t.Errorf("metered %+v, the client saw %+v", a.Usage, u)
	}
	if a.Facts.OutputTokens != 64 || a.Facts.Choices != 2 || a.Facts.Stream || a.Facts.Tools {
		t.Errorf("understood as %+v", a.Facts)
	}
	seen := upstream.Requests()[0]
	if seen.Header.Get("X-Goog-Api-Client") != "" || seen.Header.Get("User-Agent") != "keywicket" || seen.RawQuery != "" {
		t.Errorf("sent %v ?%s", seen.Header, seen.RawQuery)
	}
}

func TestSDKStream(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, geminifake.Config{Thoughts: 20})
	var text strings.Builder
	for part, err := range client.Models.GenerateContentStream(testContext(t), flash, genai.Text("say something nice"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(part.Text())
	}
	a := r.Last(t)
	if text.String() != geminifake.DefaultAnswer || upstream.Requests()[0].RawQuery != "alt=sse" {
		t.Errorf("got %q with ?%s", text.String(), upstream.Requests()[0].RawQuery)
	}
	if a.Usage.OutputTokens != 29 || !a.Final || !a.Facts.Stream || a.Seen != 29 {
		t.Errorf("metered %+v", a)
	}
}

func TestSDKFunctions(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, geminifake.Config{})
	answer, err := client.Models.GenerateContent(testContext(t), flash, genai.Text("look it up"), &genai.GenerateContentConfig{
		Tools:      []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "lookup"}}}},
		ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny}},
	})
	if err != nil || len(answer.FunctionCalls()) != 1 || answer.FunctionCalls()[0].Name != "lookup" {
		t.Fatalf("got %+v, %v", answer, err)
	}
	if a := r.Last(t); !a.Facts.Tools || a.Facts.InputUnknown {
		t.Errorf("understood as %+v", a.Facts)
	}
}

func TestSDKCountEmbedAndModels(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, geminifake.Config{})
	count, err := client.Models.CountTokens(testContext(t), flash, genai.Text("three little words"), nil)
	if err != nil || count.TotalTokens != 6 {
		t.Errorf("got %+v, %v", count, err)
	}
	if a := r.Last(t); a.Facts.Action != CountTokens || a.Reported || a.Facts.InputTokens != 0 {
		t.Errorf("counting: %+v", a)
	}
	embedded, err := client.Models.EmbedContent(testContext(t), "gemini-embedding-001", append(genai.Text("one"), genai.Text("two")...), nil)
	if err != nil || len(embedded.Embeddings) != 2 || len(embedded.Embeddings[0].Values) != 3 {
		t.Errorf("got %+v, %v", embedded, err)
	}
	if a := r.Last(t); a.Facts.Action != BatchEmbedContents || a.Facts.Model != "gemini-embedding-001" || a.Facts.InputTokens < 2 || a.Seen != 0 {
		t.Errorf("embedding: %+v", a)
	}
	page, err := client.Models.List(testContext(t), &genai.ListModelsConfig{PageSize: 5})
	if err != nil || len(page.Items) != 3 || page.Items[0].Name != "models/"+flash {
		t.Errorf("got %+v, %v", page, err)
	}
	model, err := client.Models.Get(testContext(t), flash, nil)
	if err != nil || model.OutputTokenLimit != 65536 || r.Last(t).Facts.Action != ModelsGet {
		t.Errorf("got %+v, %v", model, err)
	}
}

// reason is our code in an error of the SDK's.
func reason(err genai.APIError) any {
	if len(err.Details) == 0 {
		return nil
	}
	return err.Details[0]["reason"]
}

func TestSDKRaisesOurErrors(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, geminifake.Config{})
	for _, row := range []struct {
		f      plugins.Failure
		status string
	}{
		{plugins.Failure{Status: 403, Code: "model_not_allowed", Message: "not that one", RequestID: "req_1", Param: "model"}, "PERMISSION_DENIED"},
		{plugins.Failure{Status: 401, Code: "invalid_token", Message: "who are you"}, "UNAUTHENTICATED"},
		{plugins.Failure{Status: 429, Code: "dollar_budget_spent", Message: "come back tomorrow"}, "RESOURCE_EXHAUSTED"},
		{plugins.Failure{Status: 503, Code: "vault_locked", Message: "ask the owner"}, "UNAVAILABLE"},
	} {
		r.Refuse(row.f, 0)
		_, err := client.Models.GenerateContent(testContext(t), flash, genai.Text("hi"), nil)
		var raised genai.APIError
		if !errors.As(err, &raised) {
			t.Fatalf("got %v", err)
		}
		if raised.Code != row.f.Status || raised.Status != row.status || raised.Message != row.f.Message || reason(raised) != row.f.Code {
			t.Errorf("got %+v, want %+v", raised, row)
		}
	}
	if upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func TestSDKRaisesDescribeErrors(t *testing.T) {
	t.Parallel()
	_, upstream, client := relay(t, geminifake.Config{})
	var raised genai.APIError
	_, err := client.Models.GenerateContent(testContext(t), flash, genai.Text("hi"), &genai.GenerateContentConfig{ServiceTier: genai.ServiceTierPriority})
	if !errors.As(err, &raised) || reason(raised) != "invalid_request" {
		t.Errorf("got %v", err)
	}
	_, err = client.Caches.Get(testContext(t), "cachedContents/x", nil)
	if !errors.As(err, &raised) || reason(raised) != "unsupported_endpoint" || raised.Code != http.StatusNotFound {
		t.Errorf("got %v", err)
	}
	if upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func streamError(t *testing.T, client *genai.Client) (parts int, err error) {
	for _, err := range client.Models.GenerateContentStream(testContext(t), flash, genai.Text("hi"), nil) {
		if err != nil {
			return parts, err
		}
		parts++
	}
	return parts, nil
}

func TestSDKRaisesACutStream(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, geminifake.Config{})
	r.Refuse(plugins.Failure{Status: 403, Code: "app_suspended", Message: "the owner has suspended this app"}, 3)
	parts, err := streamError(t, client)
	var raised genai.APIError
	if !errors.As(err, &raised) || reason(raised) != "app_suspended" || raised.Code != 403 || parts != 3 {
		t.Errorf("after %d parts: %v", parts, err)
	}
	if a := r.Last(t); a.Final || a.Usage.OutputTokens != 3 || a.Seen != 3 {
		t.Errorf("metered %+v", a)
	}
}

// The provider's own errors, before and in a stream, are its own.
func TestSDKRaisesTheProvidersErrors(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, geminifake.Config{})
	upstream.Script(geminifake.Fault{Status: 429})
	var raised genai.APIError
	if _, err := client.Models.GenerateContent(testContext(t), flash, genai.Text("hi"), nil); !errors.As(err, &raised) || raised.Status != "RESOURCE_EXHAUSTED" {
		t.Errorf("got %v", err)
	}
	for name, fault := range map[string]geminifake.Fault{"error event": {ErrorAfter: 2}, "cut": {CutAfter: 2}} {
		upstream.Script(fault)
		if _, err := streamError(t, client); err == nil {
			t.Errorf("%s: no error", name)
		}
		if a := r.Last(t); a.Final || a.Usage.OutputTokens != 2 {
			t.Errorf("%s: metered %+v", name, a)
		}
	}
}

// No SDK asks for the stream that is an array; plain clients do.
func TestArrayStream(t *testing.T) {
	t.Parallel()
	r, upstream, _ := relay(t, geminifake.Config{})
	ask := func() error { // reads to the end: the relay ends with its client
		answer, err := http.Post(r.URL()+"/v1beta/models/"+flash+":streamGenerateContent", "application/json",
			strings.NewReader(`{"contents":[{"parts":[{"text":"hi"}]}]}`))
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if a := r.Last(t); !strings.HasPrefix(a.Sent, "[{") || !a.Final || a.Usage.OutputTokens != 9 || a.Seen < 9 || a.Seen > 30 {
		t.Errorf("metered %+v", a)
	}
	upstream.Script(geminifake.Fault{CutAfter: 4})
	_ = ask() // fails at the cut
	if a := r.Last(t); a.Final || a.Usage.OutputTokens != 4 || a.Seen < 4 {
		t.Errorf("cut: metered %+v", a)
	}
}
