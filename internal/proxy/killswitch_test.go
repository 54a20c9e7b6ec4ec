package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// cause is one way in which what runs is stopped.
type cause struct {
	name   string
	stop   func(*app)
	status int
	code   string
}

func causes() []cause {
	return []cause{
		{"revoke", func(a *app) { a.must(a.pairing.Revoke(a.id)) }, 401, "invalid_token"},
		{"suspend", func(a *app) { a.must(a.pairing.Suspend(a.id)) }, 403, "app_suspended"},
		{"freeze", func(a *app) { a.must(a.pairing.Freeze()) }, 503, "frozen"},
		{"lock", func(a *app) { a.vault.Lock() }, 503, "vault_locked"},
		{"end session", func(a *app) { a.must(a.pairing.EndSession(a.pairing.Sessions(a.id)[0].ID)) }, 401, "invalid_token"},
		{"cut all", func(a *app) { a.proxy.CutAll("frozen") }, 503, "frozen"},
	}
}

// A running stream ends at once, with an event that says why, and the provider
// is hung up on.
func TestKillSwitchStopsStreams(t *testing.T) {
	t.Parallel()
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			a := b.pair(anything())
			s := a.open(streamed)
			for range 3 {
				s.next()
			}
			c.stop(a)
			wantCut(s, c.code)
			b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
		})
	}
}

// A request the provider has not answered yet gets the error itself.
func TestKillSwitchStopsWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Hang: true})
			a := b.pair(anything())
			r := a.request("POST", chatPath, question)
			answer := make(chan result)
			go func() { answer <- b.do(r) }()
			b.eventually("the provider has the request", func() bool { return b.fake.Running() == 1 })
			c.stop(a)
			got := <-answer
			if got.status != c.status || got.code() != c.code {
				t.Errorf("%d %s: %s", got.status, got.code(), got.body)
			}
			checkHeaders(t, got)
			if c.status == 401 && !bytes.Contains(got.body, []byte(authenticationFailed)) {
				t.Errorf("says more than that authentication failed: %s", got.body)
			}
			b.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
			if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Code != c.code || ended[0].Status != c.status {
				t.Errorf("audit: %+v", ended)
			}
		})
	}
}

// A stream's client has been authenticated, so it may know that its access was
// ended; whoever comes with a new request may not.
func TestEndedAccessIsTold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		stop func(*app)
		want string
	}{
		{"revoke", func(a *app) { a.must(a.pairing.Revoke(a.id)) }, "The owner has ended this app's access."},
		{"end session", func(a *app) { a.must(a.pairing.EndSession(a.pairing.Sessions(a.id)[0].ID)) }, "This app's session has been ended."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			a := b.pair(anything())
			s := a.open(streamed)
			s.next()
			row.stop(a)
			wantCut(s, "invalid_token")
			if !bytes.Contains(s.seen.Bytes(), []byte(row.want)) {
				t.Errorf("the stream does not say why it ended: %q", s.seen.Bytes())
			}
			if ended := b.recorded(audit.RequestEnded, s.id); len(ended) != 1 || ended[0].Detail != row.want {
				t.Errorf("audit: %+v", ended)
			}
			got := a.post(question)
			if got.status != 401 || !bytes.Contains(got.body, []byte(authenticationFailed)) {
				t.Errorf("a new request: %d %s", got.status, got.body)
			}
		})
	}
}

func TestKillSwitchSparesOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	one, other := b.pair(anything()), b.pair(anything())
	doomed, spared := one.open(streamed), other.open(streamed)
	b.must(b.pairing.Revoke(one.id))
	wantCutOnly(doomed, "invalid_token")
	for range 5 {
		spared.next()
	}
}

func wantCutOnly(s *openStream, code string) {
	s.Helper()
	if last, err := s.rest(); err != io.EOF || codeOf(last) != code {
		s.Errorf("last event %q, %v", last, err)
	}
}

func TestRunningStreamEndsWhenThePermissionDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	b.clock.stop() // a slow machine opens the stream in time, too
	const left = 200 * time.Millisecond
	a := b.pair(policy.Document{Resource: resource, ExpiresAt: b.clock.now().Add(4 * time.Minute)})
	b.clock.advance(4*time.Minute - left)
	s := a.open(streamed)
	b.clock.advance(left)
	wantCut(s, "permission_expired")
}

// An answer that has begun and is no stream can only be broken off; it must
// not look complete.
func TestKillSwitchBreaksAnswersOff(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"object":"chat.completion",`))
		http.NewResponseController(w).Flush()
		close(sent)
		<-r.Context().Done()
	}))
	a := b.pair(anything())
	res, err := b.client().Do(a.request("POST", chatPath, question))
	b.must(err)
	defer res.Body.Close()
	<-sent
	b.must(b.pairing.Revoke(a.id))
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the answer looks complete: %q", body)
	}
}

// A client that has stopped reading cannot keep its request alive: neither
// past one write's deadline nor past a cut.
func TestStalledClient(t *testing.T) {
	t.Parallel()
	stall := func(t *testing.T, settings ...setting) (*app, net.Conn) {
		flood := make([]byte, 64<<10)
		for i := range flood {
			flood[i] = 'x'
		}
		var sent atomic.Int64
		b := newBench(t, append(settings, behind(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				sent.Add(1)
				w.Write([]byte(": ")) // a comment, which nobody has to count
				w.Write(flood)
				w.Write([]byte("\n\n"))
			}
		}))...)
		a := b.pair(anything())
		conn, err := net.Dial("tcp", a.url[len("http://"):])
		b.must(err)
		t.Cleanup(func() { conn.Close() })
		b.must(conn.(*net.TCPConn).SetReadBuffer(4096))
		b.must(a.request("POST", chatPath, streamed).Write(conn))
		b.eventually("the stream runs", func() bool { return sent.Load() > 0 })
		var seen int64
		same := 0 // looks in a row at which nothing more had been sent
		b.eventually("the buffers between are full", func() bool {
			if now := sent.Load(); now != seen {
				seen, same = now, 0
			}
			same++
			return seen > 0 && same == 10
		})
		return a, conn
	}
	t.Run("one write", func(t *testing.T) {
		t.Parallel()
		a, _ := stall(t, with(func(c *Config) {
			c.Timeouts.Write, c.DrainBytes = 50*time.Millisecond, 1<<20
		}))
		a.eventually("the request has ended", func() bool { return a.proxy.Running() == 0 })
	})
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		a, _ := stall(t, with(func(c *Config) {
			c.Timeouts.Write, c.Timeouts.Cut = time.Hour, 20*time.Millisecond
		}))
		a.must(a.pairing.Revoke(a.id))
		a.eventually("the request has ended", func() bool { return a.proxy.Running() == 0 })
		var ended []string
		for _, e := range a.events() {
			if e.Kind == audit.RequestEnded {
				ended = append(ended, e.Code)
			}
		}
		if !slices.Equal(ended, []string{"invalid_token"}) {
			t.Errorf("ended with %q, want one invalid_token", ended)
		}
	})
}

// A right that is taken away while a request is on its way in stops it, at
// whichever step it is; the provider never hears of it.
func TestNoRequestSlipsThroughAChange(t *testing.T) {
	t.Parallel()
	// The server says 100 Continue when the body is first read. A proof bound
	// to the body has it read while the proof is checked; any other, when the
	// request is described, long after it was registered.
	for _, bound := range []string{question, ""} {
		for _, c := range causes()[:5] {
			t.Run(map[bool]string{true: "authenticated ", false: "registered "}[bound != ""]+c.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				a := b.pair(anything())
				body, typed := io.Pipe()
				reading := make(chan struct{})
				r, err := http.NewRequest("POST", b.url+chatPath, body)
				b.must(err)
				r.ContentLength = int64(len(question))
				r.Header.Set("Expect", "100-continue")
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "DPoP "+a.token)
				r.Header.Set("DPoP", a.prove("POST", b.url+chatPath, []byte(bound)))
				r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					Got100Continue: func() { close(reading) },
				}))
				answer := make(chan result)
				go func() { answer <- b.do(r) }()
				<-reading
				c.stop(a)
				go func() {
					_, _ = io.WriteString(typed, question)
					typed.Close()
				}()
				if got := <-answer; got.status != c.status || got.code() != c.code || b.reached() != 0 {
					t.Errorf("%d %s; the provider saw %d requests", got.status, got.body, b.reached())
				}
			})
		}
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	t.Run("waits", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.fake.Script(openaifake.Fault{WordDelay: 10 * time.Millisecond})
		a := b.pair(anything())
		s := a.open(streamed)
		drained := make(chan error)
		go func() { drained <- b.proxy.Drain(context.Background()) }()
		b.eventually("new requests are refused", func() bool {
			got := a.post(question)
			return got.status == 503 && got.code() == "shutting_down"
		})
		if last, err := s.rest(); err != io.EOF || string(last) != "data: [DONE]\n\n" {
			t.Errorf("the running stream ended with %q, %v", last, err)
		}
		b.must(<-drained)
	})
	t.Run("cuts", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
		s := b.pair(anything()).open(streamed)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := b.proxy.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain: %v", err)
		}
		wantCut(s, "shutting_down")
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.must(b.proxy.Drain(context.Background()))
		b.must(b.proxy.Drain(context.Background()))
	})
}
