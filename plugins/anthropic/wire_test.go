package anthropic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/anthropic/anthropicfake"
	"github.com/keywicket/keywicket/plugins/relaytest"
)

const model = "claude-sonnet-4-5"

// relay stands between the SDK and the fake.
func relay(t *testing.T, cfg anthropicfake.Config) (*relaytest.Relay, *anthropicfake.Server, sdk.Client) {
	t.Helper()
	upstream, err := anthropicfake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	r := relaytest.Start(t, relaytest.Config{Provider: provider(t), BaseURL: upstream.BaseURL(), Key: anthropicfake.DefaultKey})
	return r, upstream, sdk.NewClient(option.WithBaseURL(r.URL()), option.WithAPIKey("clients-own"), option.WithMaxRetries(0))
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func params() sdk.MessageNewParams {
	return sdk.MessageNewParams{
		Model: model, MaxTokens: 64,
		Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("say something nice"))},
	}
}

func TestSDKMessage(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, anthropicfake.Config{CacheRead: 100, Written5m: 10})
	message, err := client.Messages.New(testContext(t), params(), option.WithHeader("anthropic-workspace-id", "clients-own"))
	if err != nil {
		t.Fatal(err)
	}
	if got := message.Content[0].Text; got != anthropicfake.DefaultAnswer {
		t.Errorf("got %q", got)
	}
	want := plugins.Usage{
		InputTokens: message.Usage.InputTokens + 110, CachedTokens: 100, CacheWriteTokens: 10, OutputTokens: message.Usage.OutputTokens,
	}
	if a := r.Last(t); a.Usage != want || !a.Final || want.OutputTokens == 0 {
		t.Errorf("metered %+v, the client saw %+v", a.Usage, message.Usage)
	}
	seen := upstream.Requests()[0]
	for _, name := range []string{"Anthropic-Workspace-Id", "X-Stainless-Lang", "Authorization"} {
		if seen.Header.Get(name) != "" {
			t.Errorf("%s reached the provider", name)
		}
	}
	if seen.Header.Get("Anthropic-Version") != "2023-06-01" || seen.Header.Get("User-Agent") != "keywicket" {
		t.Errorf("sent %v", seen.Header)
	}
}

func TestSDKStream(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, anthropicfake.Config{Thinking: "let me think about it"})
	p := params()
	p.MaxTokens = 2048
	p.Thinking = sdk.ThinkingConfigParamOfEnabled(1024)
	stream := client.Messages.NewStreaming(testContext(t), p)
	var message sdk.Message
	for stream.Next() {
		if err := message.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil || len(message.Content) != 2 || message.Content[1].Text != anthropicfake.DefaultAnswer {
		t.Errorf("got %+v, %v", message.Content, err)
	}
	a := r.Last(t)
	if a.Usage.OutputTokens != 14 || a.Usage.InputTokens != message.Usage.InputTokens || !a.Final || !a.Facts.Stream {
		t.Errorf("metered %+v", a)
	}
	if a.Seen < a.Usage.OutputTokens || a.Seen > 3*a.Usage.OutputTokens {
		t.Errorf("saw %d tokens go by, of %d", a.Seen, a.Usage.OutputTokens)
	}
}

func TestSDKTools(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, anthropicfake.Config{})
	p := params()
	p.Tools = []sdk.ToolUnionParam{{OfTool: &sdk.ToolParam{Name: "lookup", InputSchema: sdk.ToolInputSchemaParam{}}}}
	p.ToolChoice = sdk.ToolChoiceUnionParam{OfAny: &sdk.ToolChoiceAnyParam{}}
	message, err := client.Messages.New(testContext(t), p)
	if err != nil || message.StopReason != sdk.StopReasonToolUse || message.Content[0].Name != "lookup" {
		t.Fatalf("got %+v, %v", message, err)
	}
	if a := r.Last(t); !a.Facts.Tools || a.Facts.InputUnknown {
		t.Errorf("understood as %+v", a.Facts)
	}
}

// The beta client has more members and asks with beta=true in the query.
func TestSDKBeta(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, anthropicfake.Config{})
	_, err := client.Beta.Messages.New(testContext(t), sdk.BetaMessageNewParams{
		Model: model, MaxTokens: 64,
		Messages: []sdk.BetaMessageParam{sdk.NewBetaUserMessage(sdk.NewBetaTextBlock("hi"))},
		Betas:    []sdk.AnthropicBeta{sdk.AnthropicBetaContext1m2025_08_07, sdk.AnthropicBetaFastMode2026_02_01},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := upstream.Requests()[0]; got.Header.Get("Anthropic-Beta") != "context-1m-2025-08-07" || got.RawQuery != "" {
		t.Errorf("sent %v ?%s", got.Header, got.RawQuery)
	}
	if a := r.Last(t); a.Facts.Action != Messages || !a.Reported {
		t.Errorf("understood as %+v", a)
	}
}

func TestSDKCountAndModels(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, anthropicfake.Config{})
	count, err := client.Messages.CountTokens(testContext(t), sdk.MessageCountTokensParams{Model: model, Messages: params().Messages})
	if err != nil || count.InputTokens != 9 {
		t.Errorf("got %+v, %v", count, err)
	}
	page, err := client.Models.List(testContext(t), sdk.ModelListParams{Limit: sdk.Int(5)})
	if err != nil || len(page.Data) != 3 || page.Data[0].ID != "claude-sonnet-4-5" {
		t.Errorf("got %+v, %v", page, err)
	}
	for _, a := range r.Answers() {
		if a.Reported || a.Seen != 0 || a.Facts.InputTokens != 0 {
			t.Errorf("what is free was metered: %+v", a)
		}
	}
}

func TestSDKRaisesOurErrors(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, anthropicfake.Config{})
	for _, row := range []struct {
		f    plugins.Failure
		kind string
	}{
		{plugins.Failure{Status: 403, Code: "model_not_allowed", Message: "not that one", RequestID: "req_1", Param: "model"}, "permission_error"},
		{plugins.Failure{Status: 401, Code: "invalid_token", Message: "who are you"}, "authentication_error"},
		{plugins.Failure{Status: 429, Code: "dollar_budget_spent", Message: "come back tomorrow"}, "rate_limit_error"},
		{plugins.Failure{Status: 504, Code: "upstream_timeout", Message: "too slow"}, "timeout_error"},
		{plugins.Failure{Status: 503, Code: "vault_locked", Message: "ask the owner"}, "api_error"},
	} {
		r.Refuse(row.f, 0)
		_, err := client.Messages.New(testContext(t), params())
		var raised *sdk.Error
		if !errors.As(err, &raised) {
			t.Fatalf("got %v", err)
		}
		if raised.StatusCode != row.f.Status || string(raised.Type()) != row.kind ||
			!strings.Contains(raised.RawJSON(), `"code":"`+row.f.Code+`"`) || !strings.Contains(raised.Error(), row.f.Message) {
			t.Errorf("got %v of type %s, want %+v", raised, raised.Type(), row)
		}
	}
	if upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func TestSDKRaisesDescribeErrors(t *testing.T) {
	t.Parallel()
	_, upstream, client := relay(t, anthropicfake.Config{})
	p := params()
	p.Speed = sdk.MessageNewParamsSpeedFast
	var raised *sdk.Error
	if _, err := client.Messages.New(testContext(t), p); !errors.As(err, &raised) || !strings.Contains(raised.RawJSON(), `"param":"speed"`) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Messages.Batches.Get(testContext(t), "b", sdk.MessageBatchGetParams{}); !errors.As(err, &raised) || !strings.Contains(raised.RawJSON(), "unsupported_endpoint") {
		t.Errorf("got %v", err)
	}
	if upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func TestSDKRaisesACutStream(t *testing.T) {
	t.Parallel()
	r, _, client := relay(t, anthropicfake.Config{})
	r.Refuse(plugins.Failure{Status: 403, Code: "app_suspended", Message: "the owner has suspended this app"}, 5)
	stream := client.Messages.NewStreaming(testContext(t), params())
	n := 0
	for stream.Next() {
		n++
	}
	var raised *sdk.Error
	if !errors.As(stream.Err(), &raised) || !strings.Contains(raised.RawJSON(), "app_suspended") || raised.Type() != "permission_error" || n != 4 {
		t.Errorf("after %d events: %v", n, stream.Err())
	}
	if a := r.Last(t); a.Final || !a.Reported || a.Usage.InputTokens == 0 || a.Seen < 2 {
		t.Errorf("metered %+v", a)
	}
}

// The provider's own errors, before and in a stream, are its own.
func TestSDKRaisesTheProvidersErrors(t *testing.T) {
	t.Parallel()
	r, upstream, client := relay(t, anthropicfake.Config{})
	upstream.Script(anthropicfake.Fault{Status: 529, RetryAfter: 7 * time.Second})
	var raised *sdk.Error
	if _, err := client.Messages.New(testContext(t), params()); !errors.As(err, &raised) || raised.Type() != "overloaded_error" ||
		raised.Response.Header.Get("Retry-After") != "7" || raised.RequestID != "req_fake_1" {
		t.Errorf("got %v", err)
	}
	for name, fault := range map[string]anthropicfake.Fault{"error event": {ErrorAfter: 2}, "cut": {CutAfter: 2}} {
		upstream.Script(fault)
		stream := client.Messages.NewStreaming(testContext(t), params())
		for stream.Next() {
			continue
		}
		if stream.Err() == nil {
			t.Errorf("%s: no error", name)
		}
		if a := r.Last(t); a.Final || !a.Reported || a.Usage.OutputTokens != 1 || a.Seen < 3 {
			t.Errorf("%s: metered %+v", name, a)
		}
	}
}
