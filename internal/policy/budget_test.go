package policy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
)

// Sizes of the long runs. Larger ones are for whoever has the time.
const (
	budgetSeedsVar   = "KEYWICKET_TEST_BUDGET_SEEDS"
	budgetStreamsVar = "KEYWICKET_TEST_BUDGET_STREAMS"
)

func size(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a number from 1 on", name)
	}
	return n
}

// mini costs $3 for a million tokens of input and $12 of output.
var mini = price.Rate{
	Input: 3_000_000_000, CacheRead: 300_000_000, CacheWrite: 3_750_000_000, Output: 12_000_000_000,
	MaxContext: 200_000, MaxOutput: 4096,
}

// crowd is a number of clients that spend one budget until it is spent.
type crowd struct {
	*book
	doc     Document
	clients int
	stream  bool
	mixed   bool
	short   int64 // by how much the input of one request in a run is estimated too low

	spent   atomic.Int64 // of the first limit's unit, by the provider's count
	shorted atomic.Bool
	passed  atomic.Int64
	cut     atomic.Int64
	held    atomic.Int64
}

// run returns when every client has been told that the budget is spent.
func (c *crowd) run(seed uint64) {
	var all sync.WaitGroup
	for i := range c.clients {
		all.Go(func() { c.client(rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	all.Wait()
}

func (c *crowd) client(rnd *rand.Rand) {
	for {
		time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
		req := ask
		req.Stream, req.Choices, req.Rate = c.stream, 1, &mini
		if c.mixed {
			req.Stream = rnd.IntN(5) > 0
			req.Model = []string{"gpt-4o", "gpt-4o-mini", "o3"}[rnd.IntN(3)]
		}
		req.InputTokens = 1 + rnd.Int64N(120)
		if rnd.IntN(4) == 0 {
			req.OutputTokens = 1 + rnd.Int64N(2000)
		}
		r, err := c.Reserve("per_a", c.doc, req)
		denied, refused := errors.AsType[*Denied](err)
		switch {
		case refused && !spentCode(denied.Code):
			c.held.Add(1)
			time.Sleep(denied.RetryAfter)
		case refused:
			return // spent
		case err != nil:
			c.t.Error(err)
			return
		default:
			c.passed.Add(1)
			c.answer(rnd, r, req)
		}
	}
}

// answer is the provider's: an error before any output, or an answer of random
// length whose client goes away at a random point in one of four.
func (c *crowd) answer(rnd *rand.Rand, r *Reservation, req Request) {
	if rnd.IntN(10) == 0 {
		time.Sleep(time.Duration(rnd.IntN(50)) * time.Millisecond)
		r.Release()
		return
	}
	u := Usage{InputTokens: 1 + rnd.Int64N(req.InputTokens)}
	if c.short > 0 && c.spent.Load() > c.most()*9/10 && c.shorted.CompareAndSwap(false, true) {
		u.InputTokens = req.InputTokens + c.short
	}
	most := 1 + rnd.Int64N(1+rnd.Int64N(1500))
	if req.OutputTokens > 0 {
		most = min(most, req.OutputTokens)
	}
	if limit := r.OutputCap(); limit > 0 {
		most = min(most, limit)
	}
	if rnd.IntN(4) == 0 {
		most = 1 + rnd.Int64N(most) // what was made until it was noticed
	}
	switch {
	case !req.Stream:
		u.OutputTokens = most
		time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
	default:
		for u.OutputTokens < most {
			next := min(most, u.OutputTokens+1+rnd.Int64N(40))
			if err := r.Grow(Usage{InputTokens: req.InputTokens, OutputTokens: next}); err != nil {
				c.cut.Add(1)
				break
			}
			u.OutputTokens = next
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
		}
	}
	c.spent.Add(units[c.unit()].actual(u, &Request{Rate: &mini}))
	r.Settle(u)
}

func (c *crowd) unit() int {
	for i, u := range units {
		if u.cap(c.doc.Limits[0]) != 0 {
			return i
		}
	}
	return 0
}

func (c *crowd) most() int64 { return units[c.unit()].cap(c.doc.Limits[0]) }

// Five hundred streams of random length, some disconnected, some failed, take
// a budget: it never breaks by more than one estimate was wrong, and nearly all
// of it can be used.
func TestBudgetHolds(t *testing.T) {
	t.Parallel()
	clients := size(t, budgetStreamsVar, 500)
	for _, row := range []struct {
		name   string
		limit  Limit
		stream bool
		short  int64
		seeds  int
	}{
		{"dollars streamed", Limit{Per: Lifetime, Dollars: 1_000_000_000}, true, 0, 20},
		{"dollars streamed, one estimate too low", Limit{Per: Day, Dollars: 1_000_000_000}, true, 500, 3},
		{"dollars", Limit{Per: Month, Dollars: 1_000_000_000}, false, 0, 3},
		{"dollars of a model", Limit{Per: Lifetime, Model: "gpt-4o*", Dollars: 1_000_000_000}, true, 0, 3},
		{"tokens streamed", Limit{Per: Lifetime, Tokens: 80_000}, true, 0, 3},
		{"tokens streamed to a model", Limit{Per: Lifetime, Model: "gpt-?o", Tokens: 80_000}, true, 0, 3},
		{"tokens", Limit{Per: Day, Tokens: 80_000}, false, 0, 3},
		{"tokens of a model, one estimate too low", Limit{Per: Day, Model: "gpt-4o", Tokens: 80_000}, false, 500, 3},
		{"requests streamed", Limit{Per: Lifetime, Requests: 1000}, true, 0, 3},
		{"requests to a model", Limit{Per: Month, Model: "gpt*", Requests: 1000}, false, 0, 3},
	} {
		for seed := range size(t, budgetSeedsVar, row.seeds) {
			t.Run(fmt.Sprintf("%s/%d", row.name, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBook(t, time.UTC)
					b.Ledger.clock = time.Now
					c := &crowd{book: b, doc: limits(row.limit), clients: clients, stream: row.stream, short: row.short}
					c.run(uint64(seed))
					c.judge()
				})
			})
		}
	}
}

// Streams and others for several models, under limits of every kind.
func TestBudgetsHoldTogether(t *testing.T) {
	t.Parallel()
	for seed := range size(t, budgetSeedsVar, 3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBook(t, time.UTC)
				b.Ledger.clock = time.Now
				c := &crowd{book: b, clients: size(t, budgetStreamsVar, 500), mixed: true, doc: Document{
					Resource: "llm:openai", Concurrency: 300,
					Limits: []Limit{
						{Per: Lifetime, Dollars: 1_000_000_000, Tokens: 1_000_000},
						{Per: Day, Requests: 100_000}, {Per: Month, Dollars: 1_100_000_000},
						{Per: Lifetime, Model: "gpt-4o", Dollars: 300_000_000}, {Per: Month, Model: "gpt-*", Tokens: 90_000},
						{Per: Minute, Tokens: 60_000, Dollars: 700_000_000},
					},
				}}
				c.run(uint64(seed))
				full := false
				for _, s := range b.Limits("per_a", c.doc) {
					full = full || s.Per != Minute && s.Used >= s.Limit-s.Limit/20
					if s.Used > s.Limit || s.Held != 0 {
						t.Errorf("%+v", s)
					}
				}
				if !full || b.slack() != 0 {
					t.Errorf("%d still ahead, and %v", b.slack(), b.states(c.doc))
				}
				t.Logf("%v used by %d requests, %d cut, %d times held", b.states(c.doc), c.passed.Load(), c.cut.Load(), c.held.Load())
			})
		})
	}
}

func (c *crowd) judge() {
	c.t.Helper()
	unit, state := units[c.unit()], c.Limits("per_a", c.doc)[0]
	wrong := unit.actual(Usage{InputTokens: c.short}, &Request{Rate: &mini})
	if state.Used != c.spent.Load() || state.Held != 0 {
		c.t.Errorf("the ledger says %d used and %d held, the provider %d", state.Used, state.Held, c.spent.Load())
	}
	if state.Used > state.Limit+wrong {
		c.t.Errorf("%d used of %d", state.Used, state.Limit)
	}
	if state.Used < state.Limit-state.Limit/20 {
		c.t.Errorf("only %d of %d could be used", state.Used, state.Limit)
	}
	if slack := c.slack(); slack != 0 {
		c.t.Errorf("%d still ahead when nothing runs", slack)
	}
	c.t.Logf("%d of %d %s used by %d requests, %d cut, %d times held", state.Used, state.Limit, unit, c.passed.Load(), c.cut.Load(), c.held.Load())
}

// slack is what all counters have ahead.
func (b *book) slack() (all int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.accounts {
		for _, c := range a.counters {
			all += c.current.slack
		}
	}
	return all
}

func spentCode(code string) bool {
	for _, u := range units {
		if code == u.spent() {
			return true
		}
	}
	return false
}
