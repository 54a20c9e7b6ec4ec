package proxy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// A client that goes away is charged what the provider says in the end.
func TestDisconnectIsCharged(t *testing.T) {
	t.Parallel()
	t.Run("stream", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.fake.Script(openaifake.Fault{WordDelay: 10 * time.Millisecond})
		a := limitedApp(b)
		s := a.open(streamed)
		s.hangUp()
		wantCharge(a, s.id)
	})
	t.Run("before the answer", func(t *testing.T) {
		t.Parallel()
		waiting := make(chan struct{})
		b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
			<-waiting
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"usage":{"prompt_tokens":5,"completion_tokens":9}}`))
		}))
		a := limitedApp(b)
		ctx, hangUp := context.WithCancel(t.Context())
		r := a.request("POST", chatPath, question).WithContext(ctx)
		failed := make(chan error)
		go func() { _, err := b.client().Do(r); failed <- err }()
		b.eventually("the provider has the request", func() bool { return b.reached() == 1 })
		hangUp()
		<-failed
		close(waiting)
		var id string
		b.eventually("it has started", func() bool {
			for _, e := range b.events() {
				if e.Kind == audit.RequestStarted {
					id = e.RequestID
				}
			}
			return id != ""
		})
		wantCharge(a, id)
	})
}

func wantCharge(a *app, id string) {
	a.Helper()
	a.eventually("the request has ended", func() bool { return a.proxy.Running() == 0 })
	if used, held := a.used(); used != 1 || held != 0 {
		a.Errorf("used %d, held %d", used, held)
	}
	ended := a.recorded(audit.RequestEnded, id)
	if len(ended) != 1 || ended[0].Usage == nil || ended[0].Usage.OutputTokens != 9 {
		a.Errorf("audit: %+v", ended)
	}
}

// Clients that go away at any byte of an answer, or before the first, are
// charged what the provider has reported: no token less, and none more.
func TestDisconnectAtAnyByte(t *testing.T) {
	t.Parallel()
	const clients, atOnce, longest = 1000, 40, 12_000
	m := newMill(3)
	b := newBench(t, behind(m.ServeHTTP))
	a := b.pair(rich())
	a.unlimited()
	b.clock.stop() // its token stays good, however long it takes
	random := rand.New(rand.NewPCG(5, 23))
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for range clients {
		body, bytes := []string{question, streamed, streamed}[random.IntN(3)], random.IntN(longest)
		if random.IntN(25) == 0 { // fewer than may be given up before they reach the provider: linesAtOnce
			bytes = 0
		}
		r := a.request("POST", chatPath, body)
		r.Close = true
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			conn, err := net.Dial("tcp", b.url[len("http://"):])
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := r.Write(conn); err != nil {
				t.Error(err)
			}
			_, _ = io.CopyN(io.Discard, conn, int64(bytes)) // an answer that is shorter ends by itself
		})
	}
	all.Wait()
	tokens, requests := a.settled(policy.Tokens), a.settled(policy.Requests)
	b.eventually("the provider is done", m.idle)
	m.mu.Lock()
	defer m.mu.Unlock()
	if tokens != int64(m.reported) || requests != int64(m.answered) {
		t.Errorf("charged %d tokens of %d requests; the provider reported %d of %d", tokens, requests, m.reported, m.answered)
	}
	if m.answered < clients/2 {
		t.Errorf("only %d requests reached the provider", m.answered)
	}
}

// unlimited grants more requests than any test sends.
func (a *app) unlimited() {
	a.Helper()
	a.regrant(granting(policy.Limit{Per: policy.Lifetime, Requests: 1_000_000, Tokens: 1_000_000_000}))
}

// Draining is bounded, in time and in bytes; the provider is then hung up on.
func TestDrainingIsBounded(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]func(*Config){
		"time":  func(c *Config) { c.DrainTime = 50 * time.Millisecond },
		"bytes": func(c *Config) { c.DrainBytes = 2000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(bound))
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			a := limitedApp(b)
			s := a.open(streamed)
			s.hangUp()
			b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
			b.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
			if used, held := a.used(); used != 1 || held != 0 {
				t.Errorf("used %d, held %d", used, held)
			}
			if ended := b.recorded(audit.RequestEnded, s.id); len(ended) != 1 || ended[0].Code != "client_gone" {
				t.Errorf("audit: %+v", ended)
			}
		})
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, with(func(c *Config) { c.DrainTime = 50 * time.Millisecond }))
		b.fake.Script(openaifake.Fault{Hang: true})
		a := limitedApp(b)
		ctx, hangUp := context.WithCancel(t.Context())
		r := a.request("POST", chatPath, question).WithContext(ctx)
		go func() { _, _ = b.client().Do(r) }()
		b.eventually("the provider has the request", func() bool { return b.fake.Running() == 1 })
		hangUp()
		b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
	})
}

// Many at once never take more than the cap to the provider, and all of it.
func TestCapUnderConcurrency(t *testing.T) {
	t.Parallel()
	const asked, limit = 200, 50
	b := newBench(t)
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Day, Requests: limit}}})
	requests := make([]*http.Request, asked)
	for i := range requests {
		requests[i] = a.request("POST", chatPath, []string{question, streamed}[i%2])
	}
	var (
		mu      sync.Mutex
		answers = map[string]int{}
		all     sync.WaitGroup
	)
	for _, r := range requests {
		all.Go(func() {
			got := b.do(r)
			mu.Lock()
			defer mu.Unlock()
			answers[fmt.Sprint(got.status, got.code())]++
		})
	}
	all.Wait()
	if b.reached() != limit || answers["200"] != limit || answers["429request_quota_spent"]+answers["429budget_held"] != asked-limit {
		t.Errorf("the provider saw %d of %d; answers %v", b.reached(), limit, answers)
	}
}

// The permission's concurrency is a bound on what runs, not on what has run.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Times: 2, Endless: true, WordDelay: time.Millisecond})
	a := b.pair(policy.Document{Resource: resource, Concurrency: 2})
	one, two := a.open(streamed), a.open(streamed)
	if got := a.post(question); got.status != 429 || got.code() != "concurrency_limited" {
		t.Errorf("third: %d %s", got.status, got.body)
	}
	b.proxy.CutAll("frozen")
	wantCutOnly(one, "frozen")
	wantCutOnly(two, "frozen")
	b.eventually("both have ended", func() bool { return b.proxy.Running() == 0 })
	if got := a.post(question); got.status != 200 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}
