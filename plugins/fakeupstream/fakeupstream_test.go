package fakeupstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers with a stream of three words.
func echo(t *testing.T) (*Upstream, *Server) {
	t.Helper()
	u := New(nil)
	server, err := Listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.Serve(w, r, func(call Call) {
			call.Fault.Header(w.Header())
			if call.Fault.Status != 0 {
				w.WriteHeader(call.Fault.Status)
				return
			}
			if r.URL.Path == "/whole" {
				WholeJSON(w, r, call.Fault, "application/json", "four")
				return
			}
			s := NewStream(w, r, call.Fault, "text/plain", 0)
			if _, failed := s.Words(Split("one two three"), s.Write); failed {
				s.Write("!")
			}
		})
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return u, server
}

func get(ctx context.Context, url string) (*http.Response, string, error) {
	return getAt(ctx, url+"/a?b=c")
}

func getAt(ctx context.Context, url string) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		return nil, "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, string(text), err
}

func TestFaults(t *testing.T) {
	t.Parallel()
	u, server := echo(t)
	for _, row := range []struct {
		name   string
		fault  Fault
		status int
		text   string
		broken bool
	}{
		{"none", Fault{}, 200, "one two three", false},
		{"a status", Fault{Status: 503, RetryAfter: 7 * time.Second}, 503, "", false},
		{"an error", Fault{ErrorAfter: 2}, 200, "one two!", false},
		{"a cut", Fault{CutAfter: 1}, 200, "one", true},
		{"garbage", Fault{GarbageAfter: 1}, 200, "one<html>\x00\xff busy\n\ndata: {\"choices\":[\n\n two three", false},
		{"a huge event", Fault{HugeAfter: 2, HugeBytes: 3}, 200, "one twodata: xxx\n\n three", false},
	} {
		u.Script(row.fault)
		answer, text, err := get(t.Context(), server.URL())
		if answer == nil || answer.StatusCode != row.status || text != row.text || (err != nil) != row.broken {
			t.Errorf("%s: %v, %q, %v", row.name, answer, text, err)
		}
		if row.fault.RetryAfter > 0 && answer.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: %v", row.name, answer.Header)
		}
	}
	u.Script(Fault{Status: 500, Times: 2})
	for i, want := range []int{500, 500, 200} {
		if answer, _, err := get(t.Context(), server.URL()); err != nil || answer.StatusCode != want {
			t.Errorf("request %d: %v, %v", i, answer, err)
		}
	}
	seen := u.Requests()
	if len(seen) != 9 || u.Count() != 9 || seen[0].Path != "/a" || seen[0].RawQuery != "b=c" || string(seen[0].Body) != "body" {
		t.Errorf("recorded %d: %+v", u.Count(), seen)
	}
	u.Forget()
	if u.Count() != 0 || len(u.Requests()) != 0 {
		t.Error("Forget forgets nothing")
	}
}

func TestFaultsOfAWholeAnswer(t *testing.T) {
	t.Parallel()
	u, server := echo(t)
	for _, row := range []struct {
		fault  Fault
		text   string
		broken bool
	}{
		{Fault{}, "\"four\"\n", false},
		{Fault{Trickle: time.Nanosecond}, "\"four\"\n", false},
		{Fault{CutBytes: 3, Trickle: time.Nanosecond}, "\"fo", true},
		{Fault{WrongSize: true, Trickle: time.Nanosecond}, "\"four\"\n", true},
		{Fault{Garbage: true}, "<html>\x00\xff\"usage\":{\"prompt_tokens\":1e9,", false},
	} {
		u.Script(row.fault)
		_, text, err := getAt(t.Context(), server.URL()+"/whole")
		if text != row.text || (err != nil) != row.broken {
			t.Errorf("%+v: %q, %v", row.fault, text, err)
		}
	}
}

func TestWhatDoesNotEndEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]Fault{"endless": {Endless: true}, "stalled": {Stall: 2}, "hanging": {Hang: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, server := echo(t)
			u.Script(fault)
			asking, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			finished := make(chan error, 1)
			go func() {
				_, _, err := get(asking, server.URL())
				finished <- err
			}()
			if err := u.Wait(t.Context(), func() bool { return u.Running() == 1 }); err != nil {
				t.Fatal(err)
			}
			hangUp()
			if err := <-finished; !errors.Is(err, context.Canceled) {
				t.Errorf("the caller got %v", err)
			}
			if err := u.Wait(t.Context(), func() bool { return u.Gone() == 1 && u.Running() == 0 }); err != nil {
				t.Error(err)
			}
		})
	}
}

// Words come one by one, each after its delay.
func TestWordDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://fake/", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var at []time.Duration
		s := NewStream(discard{}, r, Fault{WordDelay: time.Second}, "text/plain", time.Hour)
		s.Words(Split("one two three"), func(string) bool { at = append(at, time.Since(began)); return true })
		if want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("words at %v", at)
		}
	})
}

// discard is a caller who reads nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }
