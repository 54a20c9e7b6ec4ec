package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// relay is the least that can stand between the SDK and the fake: describe,
// authorize, forward, meter.
type relay struct {
	t        *testing.T
	provider *Provider
	upstream *openaifake.Server
	refuse   *plugins.Failure // instead of forwarding
	cutAfter int              // events, then the error event of refuse

	mu    sync.Mutex
	usage []plugins.Usage
	facts plugins.Facts // of the last request
	sent  bytes.Buffer  // to the client, of the last answer
}

func newRelay(t *testing.T) (*relay, sdk.Client) { return newRelayTo(t, openaifake.Config{}) }

func newRelayTo(t *testing.T, cfg openaifake.Config) (*relay, sdk.Client) {
	t.Helper()
	upstream, err := openaifake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	r := &relay{t: t, provider: provider(t), upstream: upstream}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, sdk.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("clients-own"), option.WithMaxRetries(0),
		option.WithOrganization("clients-org"), option.WithProject("clients-project"))
}

func (r *relay) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil && r.cutAfter == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(r.refuse.Status)
		w.Write(r.provider.ErrorBody(*r.refuse))
		return
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		r.t.Error(err)
	}
	request := plugins.Request{Method: in.Method, Path: in.URL.EscapedPath(), RawQuery: in.URL.RawQuery, Header: in.Header}
	if r.provider.TakesUpload(request) {
		request.Upload = io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body)))
	} else {
		request.Body = body
	}
	call, err := r.provider.Describe(request)
	var refused *plugins.Error
	if errors.As(err, &refused) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refused.Status)
		w.Write(r.provider.ErrorBody(plugins.Failure{Status: refused.Status, Code: refused.Code, Message: refused.Message, Param: refused.Param}))
		return
	}
	r.facts = call.Facts
	r.forward(w, in, call, request.Upload)
}

func (r *relay) forward(w http.ResponseWriter, in *http.Request, call *plugins.Call, upload *io.SectionReader) {
	content, size := call.OpenBody(upload)
	out, err := http.NewRequestWithContext(in.Context(), call.Method, r.upstream.BaseURL()+call.Path, content)
	if err != nil {
		r.t.Error(err)
		return
	}
	out.Header = call.Header
	out.ContentLength = size
	if err := plugins.Authorize(out.Header, r.provider.Manifest(), []byte(openaifake.DefaultKey)); err != nil {
		r.t.Error(err)
	}
	answer, err := http.DefaultClient.Do(out)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer answer.Body.Close()
	for name, values := range r.provider.ResponseHeader(answer.Header) {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	meter := r.provider.NewMeter(call)
	r.sent.Reset()
	r.copy(io.MultiWriter(w, &r.sent), answer, meter)
	if usage, ok := meter.Usage(); ok {
		r.usage = append(r.usage, usage)
	}
}

func (r *relay) copy(w io.Writer, answer *http.Response, meter plugins.Meter) {
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			r.t.Error(err)
		}
		meter.Body(body)
		w.Write(body)
		return
	}
	events := plugins.NewEventReader(answer.Body, 0)
	for n := 1; ; n++ {
		raw, err := events.Next()
		if err != nil {
			return
		}
		w.Write(meter.Event(raw))
		if n == r.cutAfter {
			w.Write(r.provider.ErrorEvent(*r.refuse))
			return
		}
	}
}

func params() sdk.ChatCompletionNewParams {
	return sdk.ChatCompletionNewParams{
		Model:    "gpt-4o-mini",
		Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("say something nice")},
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestSDKCompletion(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	completion, err := client.Chat.Completions.New(testContext(t), params())
	if err != nil {
		t.Fatal(err)
	}
	if got := completion.Choices[0].Message.Content; got != openaifake.DefaultAnswer {
		t.Errorf("got %q", got)
	}
	want := plugins.Usage{InputTokens: completion.Usage.PromptTokens, OutputTokens: completion.Usage.CompletionTokens}
	if len(r.usage) != 1 || r.usage[0] != want || want.OutputTokens == 0 {
		t.Errorf("metered %+v, the client saw %+v", r.usage, want)
	}
	seen := r.upstream.Requests()[0]
	for _, name := range []string{"Openai-Organization", "Openai-Project", "X-Stainless-Lang"} {
		if seen.Header.Get(name) != "" {
			t.Errorf("%s reached the provider", name)
		}
	}
	if seen.Header.Get("Accept-Encoding") != "identity" || seen.Header.Get("User-Agent") != "keywicket" {
		t.Errorf("sent %v", seen.Header)
	}
}

func TestSDKStream(t *testing.T) {
	t.Parallel()
	for name, asks := range map[string]bool{"usage not asked for": false, "usage asked for": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, client := newRelay(t)
			p := params()
			if asks {
				p.StreamOptions.IncludeUsage = sdk.Bool(true)
			}
			stream := client.Chat.Completions.NewStreaming(testContext(t), p)
			var text strings.Builder
			usageChunks := 0
			for stream.Next() {
				chunk := stream.Current()
				if len(chunk.Choices) == 0 {
					usageChunks++
					continue
				}
				text.WriteString(chunk.Choices[0].Delta.Content)
			}
			if err := stream.Err(); err != nil || text.String() != openaifake.DefaultAnswer {
				t.Errorf("got %q, %v", text.String(), err)
			}
			if (usageChunks == 1) != asks {
				t.Errorf("the client saw %d usage chunks", usageChunks)
			}
			if len(r.usage) != 1 || r.usage[0].OutputTokens != 9 {
				t.Errorf("metered %+v", r.usage)
			}
			if !strings.HasSuffix(r.sent.String(), "data: [DONE]\n\n") {
				t.Error("the stream does not end with [DONE]")
			}
		})
	}
}

func TestSDKModels(t *testing.T) {
	t.Parallel()
	_, client := newRelay(t)
	page, err := client.Models.List(testContext(t))
	if err != nil || len(page.Data) != 4 || page.Data[0].ID != "gpt-4o" {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestSDKRaisesOurErrors(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	for _, f := range []plugins.Failure{
		{Status: 403, Code: "model_not_allowed", Message: "not that one", RequestID: "req_1", Param: "model"},
		{Status: 401, Code: "invalid_token", Message: "who are you"},
		{Status: 429, Code: "request_quota_spent", Message: "come back tomorrow"},
		{Status: 503, Code: "vault_locked", Message: "ask the owner"},
	} {
		r.refuse = &f
		_, err := client.Chat.Completions.New(testContext(t), params())
		var raised *sdk.Error
		if !errors.As(err, &raised) {
			t.Fatalf("got %v", err)
		}
		if raised.StatusCode != f.Status || raised.Code != f.Code || raised.Message != f.Message || raised.Param != f.Param || raised.Type == "" {
			t.Errorf("got %+v, want %+v", raised, f)
		}
	}
	if r.upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func TestSDKRaisesDescribeErrors(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	p := params()
	p.N = sdk.Int(1000)
	var raised *sdk.Error
	if _, err := client.Chat.Completions.New(testContext(t), p); !errors.As(err, &raised) || raised.Code != "invalid_request" || raised.Param != "n" {
		t.Errorf("got %v", err)
	}
	if _, err := client.Files.List(testContext(t), sdk.FileListParams{}); !errors.As(err, &raised) || raised.Code != "unsupported_endpoint" {
		t.Errorf("got %v", err)
	}
	if r.upstream.Count() != 0 {
		t.Error("the provider saw a refused request")
	}
}

func TestSDKRaisesACutStream(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	r.refuse, r.cutAfter = &plugins.Failure{Status: 403, Code: "app_suspended", Message: "the owner has suspended this app"}, 3
	stream := client.Chat.Completions.NewStreaming(testContext(t), params())
	n := 0
	for stream.Next() {
		n++
	}
	var raised *ssestream.StreamError
	if !errors.As(stream.Err(), &raised) || !strings.Contains(raised.Message, "app_suspended") || n != 3 {
		t.Errorf("after %d chunks: %v", n, stream.Err())
	}
}
