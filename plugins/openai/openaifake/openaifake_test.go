package openaifake

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func start(t *testing.T, cfg Config) (*Server, sdk.Client) {
	t.Helper()
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, sdk.NewClient(option.WithBaseURL(s.BaseURL()), option.WithAPIKey(DefaultKey), option.WithMaxRetries(0))
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return c
}

func ask(model string) sdk.ChatCompletionNewParams {
	return sdk.ChatCompletionNewParams{Model: model, Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("two words")}}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{Answer: "one two three"})
	p := ask("gpt-4o")
	p.N = sdk.Int(2)
	p.MaxTokens = sdk.Int(2)
	c, err := client.Chat.Completions.New(ctx(t), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Choices) != 2 || c.Choices[1].Message.Content != "one two " || c.Choices[1].FinishReason != "length" {
		t.Errorf("got %+v", c.Choices)
	}
	if c.Usage.PromptTokens != 8 || c.Usage.CompletionTokens != 4 || c.Usage.TotalTokens != 12 {
		t.Errorf("usage %+v", c.Usage)
	}
	seen := s.Requests()
	if len(seen) != 1 || s.Count() != 1 || seen[0].Path != "/v1/chat/completions" || !strings.Contains(string(seen[0].Body), "two words") ||
		seen[0].Header.Get("Authorization") != "Bearer "+DefaultKey {
		t.Errorf("recorded %+v", seen)
	}
	s.Forget()
	if s.Count() != 0 || len(s.Requests()) != 0 {
		t.Error("Forget forgets nothing")
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	_, client := start(t, Config{Answer: "one two three"})
	for _, asks := range []bool{false, true} {
		p := ask("gpt-4o")
		if asks {
			p.StreamOptions.IncludeUsage = sdk.Bool(true)
		}
		stream := client.Chat.Completions.NewStreaming(ctx(t), p)
		var acc sdk.ChatCompletionAccumulator
		chunks, nulls := 0, 0
		for stream.Next() {
			acc.AddChunk(stream.Current())
			if chunks++; stream.Current().JSON.Usage.Raw() == "null" {
				nulls++
			}
		}
		if err := stream.Err(); err != nil || acc.Choices[0].Message.Content != "one two three" || acc.Choices[0].FinishReason != "stop" {
			t.Errorf("got %+v, %v", acc.Choices, err)
		}
		if !asks && (chunks != 5 || nulls != 0 || acc.Usage.TotalTokens != 0) {
			t.Errorf("without usage: %d chunks, %d nulls, %+v", chunks, nulls, acc.Usage)
		}
		if asks && (chunks != 6 || nulls != 5 || acc.Usage.CompletionTokens != 3) {
			t.Errorf("with usage: %d chunks, %d nulls, %+v", chunks, nulls, acc.Usage)
		}
	}
}

func TestErrorsAreOpenAIs(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	for _, row := range []struct {
		name   string
		fault  Fault
		model  string
		key    string
		status int
		code   string
	}{
		{name: "bad key", key: "sk-wrong-key-of-some-length", status: 401, code: "invalid_api_key"},
		{name: "unknown model", model: "gpt-9", status: 404, code: "model_not_found"},
		{name: "rate limit", fault: Fault{Status: 429, RetryAfter: 7 * time.Second}, status: 429, code: "rate_limit_exceeded"},
		{name: "server error", fault: Fault{Status: 500}, status: 500},
		{name: "overloaded", fault: Fault{Status: 503}, status: 503},
		{name: "forbidden", fault: Fault{Status: 403}, status: 403, code: "insufficient_permissions"},
	} {
		s.Script(row.fault)
		model, key := row.model, row.key
		if model == "" {
			model = "gpt-4o"
		}
		if key == "" {
			key = DefaultKey
		}
		_, err := client.Chat.Completions.New(ctx(t), ask(model), option.WithAPIKey(key))
		var raised *sdk.Error
		if !errors.As(err, &raised) || raised.StatusCode != row.status || raised.Code != row.code || raised.Message == "" {
			t.Errorf("%s: got %#v", row.name, err)
			continue
		}
		if row.fault.RetryAfter > 0 && raised.Response.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: no Retry-After", row.name)
		}
		if row.key != "" && strings.Contains(raised.Message, row.key) {
			t.Errorf("%s: quotes the whole key", row.name)
		}
	}
}

func TestFaultTimes(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	s.Script(Fault{Status: 500, Times: 2})
	for i, fails := range []bool{true, true, false} {
		if _, err := client.Models.List(ctx(t)); (err != nil) != fails {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

func TestCutInMidStream(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	s.Script(Fault{CutAfter: 2})
	stream := client.Chat.Completions.NewStreaming(ctx(t), ask("gpt-4o"))
	n := 0
	for stream.Next() {
		n++
	}
	if !errors.Is(stream.Err(), io.ErrUnexpectedEOF) || n != 3 {
		t.Errorf("after %d chunks: %v", n, stream.Err())
	}
}

func TestEndlessStreamAndHangEndWithTheCaller(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]Fault{"endless": {Endless: true}, "stalled": {Stall: 2}, "hanging": {Hang: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client := start(t, Config{})
			s.Script(fault)
			asking, hangUp := context.WithCancel(ctx(t))
			defer hangUp()
			finished := make(chan error, 1)
			go func() {
				stream := client.Chat.Completions.NewStreaming(asking, ask("gpt-4o"))
				for stream.Next() {
					continue
				}
				finished <- stream.Err()
			}()
			if err := s.Wait(ctx(t), func() bool { return s.Running() == 1 }); err != nil {
				t.Fatal(err)
			}
			hangUp()
			if err := <-finished; err == nil {
				t.Error("the stream ended by itself")
			}
			if err := s.Wait(ctx(t), func() bool { return s.Gone() == 1 && s.Running() == 0 }); err != nil {
				t.Error("the fake did not notice that its caller hung up")
			}
		})
	}
}

// Words come one by one, each after its delay.
func TestWordDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, err := New(Config{Answer: "one two three", WordDelay: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://fake/v1/chat/completions",
			strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+DefaultKey)
		began := time.Now()
		w := &timedWriter{began: began, header: make(http.Header)}
		fake.ServeHTTP(w, r)
		want := []time.Duration{0, 1, 2, 3, 3, 3} // role, three words, finish, [DONE]
		if len(w.at) != len(want) {
			t.Fatalf("writes at %v", w.at)
		}
		for i := range want {
			if w.at[i] != want[i]*time.Second {
				t.Errorf("write %d at %v, want %v", i, w.at[i], want[i]*time.Second)
			}
		}
	})
}

// timedWriter notes when each write was made.
type timedWriter struct {
	began  time.Time
	header http.Header
	at     []time.Duration
}

func (w *timedWriter) Header() http.Header { return w.header }
func (w *timedWriter) WriteHeader(int)     {}
func (w *timedWriter) Flush()              {}
func (w *timedWriter) Write(p []byte) (int, error) {
	w.at = append(w.at, time.Since(w.began))
	return len(p), nil
}

func TestConcurrentRequestsAreAllCounted(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := client.Chat.Completions.New(ctx(t), ask("gpt-4o")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if s.Count() != 50 || len(s.Requests()) != 50 {
		t.Errorf("counted %d, recorded %d", s.Count(), len(s.Requests()))
	}
	if err := s.Wait(ctx(t), func() bool { return s.Running() == 0 }); err != nil {
		t.Error(err)
	}
}

func TestUnknownPathsAndConfigs(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	var raised *sdk.Error
	if _, err := client.Files.List(ctx(t), sdk.FileListParams{}); !errors.As(err, &raised) || raised.StatusCode != 404 {
		t.Errorf("got %v", err)
	}
	if s.Count() != 1 {
		t.Error("a request to an unknown path is not counted")
	}
	for _, cfg := range []Config{{Key: "two words"}, {Key: "line\nend"}, {Models: []string{""}}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
