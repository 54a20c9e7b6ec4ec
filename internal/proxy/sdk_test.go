package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// signer signs each request that an SDK sends, repeated ones too, and takes
// note of what they came to.
type signer struct {
	app      *app
	under    http.RoundTripper
	giveUp   func() // waits until the first try is given up; nil: it is not
	statuses []int  // 0: no answer
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if s.giveUp != nil && len(s.statuses) == 0 {
		first, cancel := context.WithCancel(ctx)
		go func() { s.giveUp(); cancel() }()
		ctx = first
	}
	r = r.Clone(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Set("Authorization", "DPoP "+s.app.token)
	r.Header.Set("DPoP", s.app.prove(r.Method, s.app.url+r.URL.EscapedPath(), body))
	res, err := s.under.RoundTrip(r)
	if err != nil {
		s.statuses = append(s.statuses, 0)
		return nil, err
	}
	s.statuses = append(s.statuses, res.StatusCode)
	return res, nil
}

// sdk is OpenAI's own client, which tries again by itself.
func (a *app) sdk(options ...option.RequestOption) (sdk.Client, *signer) {
	s := &signer{app: a, under: &http.Transport{DisableKeepAlives: true}}
	all := []option.RequestOption{
		option.WithBaseURL(a.url + "/r/llm/openai/v1"), option.WithAPIKey("unused"),
		option.WithHTTPClient(&http.Client{Transport: s}),
	}
	return sdk.NewClient(append(all, options...)...), s
}

func sdkQuestion() sdk.ChatCompletionNewParams {
	return sdk.ChatCompletionNewParams{Model: "gpt-4o-mini", Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("say it")}}
}

// However often a client library sends a request again, it counts once: by its
// Idempotency-Key where a charged attempt brought nothing, and in any case
// where the provider failed.
func TestLibraryRetriesCountOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		fault   openaifake.Fault
		options []option.RequestOption
		once    bool
		tokens  int64 // at least
	}{
		{"provider fails twice", openaifake.Fault{Status: 500, Times: 2}, nil, true, 9},
		{"provider is busy", openaifake.Fault{Status: 429, Times: 1}, nil, true, 9},
		{
			"hangs, with a key", openaifake.Fault{Hang: true, Times: 1},
			[]option.RequestOption{option.WithHeader("Idempotency-Key", "7f1c")}, true, 16_000,
		},
		{
			"hangs, without a key", openaifake.Fault{Hang: true, Times: 1}, nil, false, 16_000,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(func(c *Config) { c.DrainTime = 20 * time.Millisecond }))
			b.fake.Script(row.fault)
			a := b.pair(rich())
			client, seen := a.sdk(append(row.options, option.WithMaxRetries(3))...)
			if row.fault.Hang {
				seen.giveUp = func() { _ = b.fake.Wait(t.Context(), func() bool { return b.fake.Running() == 1 }) }
			}
			answer, err := client.Chat.Completions.New(t.Context(), sdkQuestion())
			if err != nil || answer.Usage.CompletionTokens != 9 {
				t.Fatalf("%v, after %v", err, seen.statuses)
			}
			tries, want := int64(len(seen.statuses)), int64(1)
			if !row.once {
				want = tries
			}
			if requests := a.settled(policy.Requests); requests != want || tries < 2 {
				t.Errorf("%d requests are counted after %v", requests, seen.statuses)
			}
			if tokens := a.settled(policy.Tokens); tokens < row.tokens {
				t.Errorf("%d tokens are counted", tokens)
			}
		})
	}
}

// A key that is sent with another request, or while its own is under way, is
// refused in words that the SDK raises; one is tried again and the other not.
func TestIdempotencyKeyConflicts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Hang: true, Times: 1})
	a := b.pair(rich())
	keyed := func(body string) *http.Request {
		r := a.request("POST", chatPath, body)
		r.Header.Set("Idempotency-Key", "once")
		return r
	}
	first := make(chan result)
	r := keyed(question)
	go func() { first <- b.do(r) }()
	b.eventually("the provider has the request", func() bool { return b.fake.Running() == 1 })
	if got := b.do(keyed(question)); got.status != 409 || got.code() != "idempotency_in_progress" || got.header.Get("Retry-After") != "1" || got.header.Get("X-Should-Retry") != "" {
		t.Errorf("beside itself: %d %v %s", got.status, got.header, got.body)
	}
	if got := b.do(keyed(streamed)); got.status != 409 || got.code() != "invalid_request" || got.header.Get("X-Should-Retry") != "false" {
		t.Errorf("another request: %d %v %s", got.status, got.header, got.body)
	}
	other := b.pair(rich())
	theirs := other.request("POST", chatPath, streamed)
	theirs.Header.Set("Idempotency-Key", "once")
	if got := b.do(theirs); got.status != 200 {
		t.Errorf("another app's: %d %s", got.status, got.body)
	}
	if b.fake.Count() != 2 {
		t.Errorf("the provider saw %d requests", b.fake.Count())
	}
	client, seen := a.sdk(option.WithHeader("Idempotency-Key", "once"))
	_, err := client.Chat.Completions.New(t.Context(), sdkQuestion())
	var raised *sdk.Error
	if !errors.As(err, &raised) || raised.StatusCode != 409 || raised.Code != "invalid_request" || len(seen.statuses) != 1 {
		t.Errorf("%v, after %v", err, seen.statuses)
	}
	b.proxy.CutAll("frozen")
	<-first
	b.eventually("all have ended", func() bool { return b.proxy.Running() == 0 })
	if got := b.do(keyed(question)); got.status != 200 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
	if requests := a.settled(policy.Requests); requests != 1 {
		t.Errorf("%d requests are counted", requests)
	}
	for _, e := range b.events() {
		if bytes.Contains([]byte(e.Detail), []byte("once")) {
			t.Errorf("the key is in the audit log: %+v", e)
		}
	}
}
