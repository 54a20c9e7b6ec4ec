package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

const manyTokens = 1_000_000

// rich grants more than any test uses, and counts it.
func rich() policy.Document {
	return granting(policy.Limit{Per: policy.Lifetime, Requests: 1000, Tokens: manyTokens})
}

// What the provider fails at before any output costs nothing; after that, what
// has gone by.
func TestProviderFailuresAreCharged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		fault       openaifake.Fault
		body        string
		requests    int64
		least, most int64 // tokens
	}{
		{"error instead of an answer", openaifake.Fault{Status: 500}, question, 0, 0, 0},
		{"error instead of a stream", openaifake.Fault{Status: 503}, streamed, 0, 0, 0},
		{"rate limit of the provider's", openaifake.Fault{Status: 429, RetryAfter: time.Second}, streamed, 0, 0, 0},
		{"breaks off after four words", openaifake.Fault{CutAfter: 4}, streamed, 1, 10, 40},
		{"says no usage, streamed", openaifake.Fault{NoUsage: true}, streamed, 1, 15, 60},
		{"says no usage", openaifake.Fault{NoUsage: true}, question, 1, 15, 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(row.fault)
			a := b.pair(rich())
			got := a.post(row.body)
			if requests := a.settled(policy.Requests); requests != row.requests {
				t.Errorf("%d requests are counted", requests)
			}
			if tokens := a.settled(policy.Tokens); tokens < row.least || tokens > row.most {
				t.Errorf("%d tokens are counted, want %d to %d", tokens, row.least, row.most)
			}
			ended := b.recorded(audit.RequestEnded, got.id())
			if len(ended) != 1 || (ended[0].Usage != nil) != (row.requests == 1) || row.requests == 1 && !ended[0].Usage.Estimated {
				t.Errorf("audit: %+v", ended)
			}
		})
	}
}

// A provider that works on a request when its client leaves, and says nothing
// until the gateway gives up, may have done all it was asked.
func TestHangIsChargedWhole(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		body        string
		least, most int64
	}{
		{"answer", strings.Replace(question, "{", `{"max_tokens":700,`, 1), 700, 760},
		{"stream", streamed, 1, 60}, // of which nothing had begun
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(func(c *Config) { c.DrainTime = 50 * time.Millisecond }))
			b.fake.Script(openaifake.Fault{Hang: true})
			a := b.pair(rich())
			ctx, hangUp := context.WithCancel(t.Context())
			r := a.request("POST", chatPath, row.body).WithContext(ctx)
			gone := make(chan struct{})
			go func() { defer close(gone); _, _ = b.client().Do(r) }()
			b.eventually("the provider has the request", func() bool { return b.fake.Running() == 1 })
			hangUp()
			<-gone
			b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
			if tokens := a.settled(policy.Tokens); tokens < row.least || tokens > row.most {
				t.Errorf("%d tokens are counted, want %d to %d", tokens, row.least, row.most)
			}
			if requests := a.settled(policy.Requests); requests != 1 {
				t.Errorf("%d requests are counted", requests)
			}
		})
	}
}

// Whatever stops what runs, what it cost until then is charged.
func TestKillSwitchCharges(t *testing.T) {
	t.Parallel()
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			a := b.pair(rich())
			permission, err := b.pairing.Permission(a.id, resource)
			b.must(err)
			s := a.open(streamed)
			for range 40 {
				s.next()
			}
			c.stop(a)
			wantCut(s, c.code)
			limits := b.ledger.Limits(permission.ID, permission.Document)
			tokens := limits[1]
			if delivered := int64(words(s.seen.String())); delivered < 30 || tokens.Unit != policy.Tokens || tokens.Used < delivered || tokens.Used > 3*delivered+200 || tokens.Held != 0 {
				t.Errorf("%d words delivered, counted %+v", delivered, tokens)
			}
			if limits[0].Used != 1 {
				t.Errorf("requests: %+v", limits[0])
			}
		})
	}
}

// A model that thinks where nobody sees it is charged all that was held when
// its answer is cut: what went by says little of what it cost.
func TestHiddenReasoningIsChargedWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(b.prices.Set(resource, "gpt-4o-mini", price.Override{Input: inputPrice, Output: outputPrice, Hidden: true}))
	b.fake.Script(openaifake.Fault{CutAfter: 2})
	a := b.pair(rich())
	wantCut(a.open(strings.Replace(streamed, "{", `{"max_completion_tokens":900,`, 1)), "upstream_error")
	if tokens := a.settled(policy.Tokens); tokens < 900 || tokens > 1000 {
		t.Errorf("%d tokens are counted", tokens)
	}
	b.fake.Script(openaifake.Fault{})
	if got := a.post(streamed); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if tokens := a.settled(policy.Tokens); tokens > 1040 {
		t.Errorf("%d tokens are counted after a report", tokens)
	}
}

// New limits reach a running stream: it goes on under them, or ends.
func TestNewLimitsReachStreams(t *testing.T) {
	t.Parallel()
	const before = 50 // words that come before the new limits, on any machine
	waiting := func(t *testing.T, granted policy.Document) (s *openStream, goOn func()) {
		gate := make(chan struct{})
		b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, strings.Repeat(word, before))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-gate:
			case <-r.Context().Done():
			}
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, word)
			}
		}))
		s = b.pair(granted).open(streamed)
		for range before - 1 {
			s.next()
		}
		return s, func() { close(gate) }
	}
	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
		a := b.pair(rich())
		s := a.open(streamed)
		for range 100 {
			s.next()
		}
		a.regrant(granting(policy.Limit{Per: policy.Lifetime, Tokens: 50}))
		wantCut(s, policy.CodeTokenBudgetSpent)
		if used, delivered := a.settled(policy.Tokens), int64(words(s.seen.String())); used < delivered || used > 3*delivered+50 {
			t.Errorf("%d words delivered, %d tokens counted", delivered, used)
		}
	})
	t.Run("some room", func(t *testing.T) {
		t.Parallel()
		s, goOn := waiting(t, anything()) // counts nothing
		s.regrant(granting(policy.Limit{Per: policy.Lifetime, Tokens: 400}))
		goOn()
		s.next()
		wantCut(s, policy.CodeTokenBudgetSpent)
		if used := s.settled(policy.Tokens); used > 400 || used < 380 {
			t.Errorf("%d tokens counted of 400", used)
		}
	})
	t.Run("more room", func(t *testing.T) {
		t.Parallel()
		s, goOn := waiting(t, granting(policy.Limit{Per: policy.Lifetime, Tokens: 300}))
		s.regrant(granting(policy.Limit{Per: policy.Lifetime, Tokens: 600}))
		goOn()
		wantCut(s, policy.CodeTokenBudgetSpent)
		if used := s.settled(policy.Tokens); used > 600 || used < 570 {
			t.Errorf("%d tokens counted of 600", used)
		}
	})
}

// A stream does not outlast the hours of its permission, nor one that a new
// document has given it.
func TestStreamEndsWithTheHours(t *testing.T) {
	t.Parallel()
	const left = 200 * time.Millisecond
	soon := func(b *bench) policy.Document { // which ends once that is past, however long a slow machine takes to get there
		b.clock.stop()
		end := b.clock.now().UTC().Truncate(time.Minute).Add(2 * time.Minute) // never back: proofs from before the start are refused
		b.clock.advance(end.Sub(b.clock.now()) - left)
		minute := policy.TimeOfDay(end.Hour()*60 + end.Minute())
		return policy.Document{Resource: resource, Hours: &policy.Hours{From: (minute + 1) % (24 * 60), To: minute}}
	}
	for name, change := range map[string]bool{"given": false, "changed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			granted := soon(b)
			a := b.pair(map[bool]policy.Document{true: anything(), false: granted}[change])
			s := a.open(streamed)
			if change {
				a.regrant(granted)
			}
			s.next() // it runs until then
			b.clock.advance(left)
			wantCut(s, policy.CodeOutsideHours)
		})
	}
}

// Requests come from the addresses that the owner named, or not at all.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"127.0.0.0/8": 200, "203.0.113.0/24": 403, "::/0": 403} {
		b := newBench(t)
		granted, err := policy.Parse([]byte(fmt.Sprintf(`{"resource":%q,"addresses":[%q]}`, resource, text)), b.clock.now())
		b.must(err)
		got := b.pair(granted).post(question)
		if got.status != want || want == 403 && got.code() != policy.CodeAddressNotAllowed {
			t.Errorf("%s: %d %s", text, got.status, got.body)
		}
	}
}

// A server that reports usage with every chunk does not escape its limits.
func TestEarlyReportsAreNoLicence(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := 1; r.Context().Err() == nil; n++ {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" the\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n", n)
		}
	}))
	a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: 200}))
	got := a.post(streamed)
	if n := words(string(got.body)); n < 150 || n > 200 || !strings.Contains(string(got.body), policy.CodeTokenBudgetSpent) {
		t.Errorf("%d words, then %q", n, got.body[max(0, len(got.body)-300):])
	}
	if used := a.settled(policy.Tokens); used > 201 {
		t.Errorf("%d tokens counted", used)
	}
}

// A report that comes when the budget is spent is forwarded: everything before
// it was.
func TestLastReportIsForwarded(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, strings.Repeat(word, 3)+lastWord)
		_, _ = io.WriteString(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":500}}\n\ndata: [DONE]\n\n")
	}))
	a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: 200}))
	if got := a.post(streamed); !strings.HasSuffix(string(got.body), "data: [DONE]\n\n") {
		t.Errorf("body: %s", got.body)
	}
	if used := a.settled(policy.Tokens); used != 505 {
		t.Errorf("%d tokens counted", used)
	}
}
