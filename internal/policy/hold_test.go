package policy

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/store"
)

// asking is a request for output, with 100 tokens of input.
func asking(output int64) Request {
	r := ask
	r.InputTokens, r.OutputTokens, r.Choices, r.Rate = 100, output, 1, &penny
	return r
}

func flowing(output int64) Request {
	r := asking(output)
	r.Stream = true
	return r
}

func (b *book) reserve(d Document, req Request) *Reservation {
	b.t.Helper()
	r, err := b.Reserve("per_a", d, req)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *book) wantStates(d Document, want ...string) {
	b.t.Helper()
	for i, got := range b.states(d) {
		if got != want[i] {
			b.t.Errorf("limit %d: %s, want %s", i, got, want[i])
		}
	}
}

func wantDenied(t *testing.T, err error, code string) *Denied {
	t.Helper()
	denied, ok := errors.AsType[*Denied](err)
	if !ok || denied.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return denied
}

// What a request holds from the start, and the output cap that must be written
// into it.
func TestHoldAtTheStart(t *testing.T) {
	t.Parallel()
	tokens := func(n int64) Document { return limits(Limit{Per: Day, Tokens: n}) }
	with := func(req Request, change func(*Request)) Request {
		change(&req)
		return req
	}
	hidden, small, unknown := penny, penny, penny
	hidden.Hidden, small.MaxOutput, unknown.MaxOutput = true, 4096, 0
	unknown.MaxContext = 50_000
	for _, row := range []struct {
		name   string
		doc    Document
		req    Request
		held   string
		output int64
	}{
		{"all of it", tokens(1_000_000), asking(1000), "0+1100", 0},
		{"each of its answers", tokens(1_000_000), with(asking(1000), func(r *Request) { r.Choices = 3 }), "0+3100", 0},
		{"lowered", tokens(600), asking(1000), "0+600", 500},
		{"lowered for each answer", tokens(600), with(asking(1000), func(r *Request) { r.Choices = 3 }), "0+598", 166},
		{"nothing asked", tokens(1_000_000), asking(0), "0+16484", 16384},
		{"nothing asked of a small model", tokens(1_000_000), with(asking(0), func(r *Request) { r.Rate = &small }), "0+4196", 0},
		{"nothing asked under a document's cap", Document{MaxOutputTokens: 500, Limits: tokens(100_000).Limits}, asking(0), "0+600", 0},
		{"no output", tokens(1_000_000), with(asking(0), func(r *Request) { r.Choices = 0 }), "0+100", 0},
		{"no price is needed for tokens", tokens(1_000_000), with(asking(50), func(r *Request) { r.Rate = nil }), "0+150", 0},
		{"a stream's slice", tokens(1_000_000), flowing(0), "0+356", 0},
		{"a stream that asks for little", tokens(1_000_000), flowing(7), "0+107", 0},
		{"a share of a small limit", tokens(6400), flowing(1000), "0+201", 0},
		{"a token at least", tokens(400), flowing(1000), "0+107", 0},
		{"hidden thoughts", tokens(1_000_000), with(flowing(900), func(r *Request) { r.Rate = &hidden }), "0+1000", 0},
		{"input out of sight", tokens(1_000_000), with(flowing(1), func(r *Request) { r.InputUnknown, r.Rate = true, &unknown }), "0+50001", 0},
		{"too much of everything", tokens(1_000_000), with(asking(1<<62), func(r *Request) { r.Choices = 1 << 62; r.InputTokens = -5 }), "", 0},
		{"money", limits(Limit{Per: Day, Dollars: 1_000_000}), asking(1000), "0+10300", 0},
		{"money lowers", limits(Limit{Per: Day, Dollars: 1300}), asking(1000), "0+1300", 100},
		{"only requests", limits(Limit{Per: Day, Requests: 5}), asking(0), "0+1", 0},
	} {
		b := newBook(t, time.UTC)
		row.doc.Resource = "llm:openai"
		r, err := b.Reserve("per_a", row.doc, row.req)
		if row.held == "" {
			wantDenied(t, err, CodeTokenBudgetSpent)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := b.states(row.doc)[0]; got != row.held || r.OutputCap() != row.output {
			t.Errorf("%s: holds %s and writes %d, want %s and %d", row.name, got, r.OutputCap(), row.held, row.output)
		}
		if got := Tokens.actual(r.Held(), &Request{}); row.doc.Limits[0].Tokens > 0 && "0+"+fmt.Sprint(got) != row.held {
			t.Errorf("%s: says it holds %d", row.name, got)
		}
		r.Release()
		if got := b.states(row.doc)[0]; got != "0+0" {
			t.Errorf("%s: %s left after the release", row.name, got)
		}
	}
}

// Nobody can say what these would cost.
func TestUnmeasured(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	money, tokens := limits(Limit{Per: Day, Dollars: 1_000_000}), limits(Limit{Per: Day, Tokens: 1_000_000})
	req := asking(5)
	req.Rate = nil
	b.refused(money, req, CodeModelUnpriced)
	req.InputUnknown = true
	b.refused(tokens, req, CodeInputCapExceeded)
	req.Rate = &penny
	if denied := b.refused(money, req, CodeInputCapExceeded); denied.RetryAfter != 0 || denied.Rule != "limits[0].dollars" {
		t.Errorf("%+v", denied)
	}
	list := ask
	list.Action, list.Model = ActionListModels, ""
	b.reserve(money, list).Settle(Usage{})
	b.wantStates(money, "0+0")
}

// Budget that others hold and budget that is spent are different answers.
func TestHeldIsNotSpent(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 2000})
	first := b.reserve(d, asking(1500)) // 1600 held, 400 free
	second := b.reserve(d, asking(1000))
	if second.OutputCap() != 300 {
		t.Errorf("lowered to %d, want 300", second.OutputCap())
	}
	if denied := b.refused(d, asking(1000), CodeBudgetHeld); denied.RetryAfter != time.Second || denied.Remaining != 0 || denied.Limit != 2000 {
		t.Errorf("%+v", denied)
	}
	second.Release()
	// 200 of output would fit, which is less than is worth the while as long as
	// others may give something back; who asks for no more gets it.
	first.Settle(Usage{InputTokens: 100, OutputTokens: 1000})
	first = b.reserve(d, asking(500)) // 1100 + 600, 300 free
	b.refused(d, asking(1000), CodeBudgetHeld)
	b.refused(d, flowing(1000), CodeBudgetHeld)
	b.reserve(d, asking(200)).Release()
	first.Settle(Usage{InputTokens: 100, OutputTokens: 500})
	last := b.reserve(d, asking(1000)) // now it is all there is
	if last.OutputCap() != 200 {
		t.Errorf("lowered to %d, want 200", last.OutputCap())
	}
	last.Settle(Usage{InputTokens: 100, OutputTokens: 190})
	denied := b.refused(d, asking(1000), CodeTokenBudgetSpent)
	if denied.Remaining != 10 || denied.RetryAfter != 12*time.Hour {
		t.Errorf("%+v", denied)
	}
	req := asking(10)
	req.InputTokens = 5000
	if denied := b.refused(d, req, CodeTokenBudgetSpent); denied.RetryAfter != 0 {
		t.Errorf("waiting helps nobody who asks for more than there ever is: %+v", denied)
	}
}

// The ledger's checks say of tokens and dollars what Reserve would, and take
// nothing.
func TestCheckOfAmounts(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Minute, Tokens: 5000}, Limit{Per: Day, Dollars: 10_000})
	check := func(req Request, results [3]Result, code string) {
		t.Helper()
		before := b.states(d)
		checks, err := b.Check("per_a", d, req)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range checks {
			if c.Result != results[i] || c.Result == Fail && c.Code != code {
				t.Errorf("%+v, want %s %s", c, results[i], code)
			}
		}
		b.wantStates(d, before...)
	}
	all := [3]Result{Pass, Pass, Pass}
	check(asking(100), all, "")
	large := asking(100)
	large.InputTokens = 6000
	check(large, [3]Result{Fail, NotReached, NotReached}, CodeRateLimited)
	r := b.reserve(d, asking(900))
	check(asking(900), [3]Result{Pass, Pass, Fail}, CodeBudgetHeld)
	check(asking(10), all, "")
	r.Settle(Usage{InputTokens: 100, OutputTokens: 960})
	check(asking(900), [3]Result{Pass, Pass, Fail}, CodeDollarBudgetSpent)
	_, err := b.Reserve("per_a", d, asking(900))
	if denied := wantDenied(t, err, CodeDollarBudgetSpent); denied.Message != "the limit of $0.00001 a day has too little left for this request; it resets at 2026-11-22T00:00:00Z" {
		t.Error(denied.Message)
	}
}

// A worst case leaves room to streams that run.
func TestWholeOutputLeavesHalfToStreams(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 10_000})
	stream := b.reserve(d, flowing(10_000)) // 100 and 156
	whole := b.reserve(d, asking(16_000))
	if got := whole.OutputCap(); got != 4822 {
		t.Errorf("lowered to %d, want half of what is free", got)
	}
	if err := stream.Grow(Usage{InputTokens: 100, OutputTokens: 4000}); err != nil {
		t.Errorf("the stream is cut: %v", err)
	}
}

func TestGrow(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 1000}, Limit{Per: Lifetime, Dollars: 100_000, Requests: 5})
	at := func(output int64) Usage { return Usage{InputTokens: 100, OutputTokens: output} }
	one, two := b.reserve(d, flowing(0)), b.reserve(d, flowing(0))
	if err := one.Grow(at(400)); err != nil {
		t.Fatal(err)
	}
	if err := two.Grow(at(380)); err != nil {
		t.Fatal(err)
	}
	if s := b.Limits("per_a", d)[0]; s.Held < 980 || s.Held > 1000 {
		t.Errorf("%+v", s)
	}
	if denied := wantDenied(t, two.Grow(at(500)), CodeBudgetHeld); denied.Rule != "limits[0].tokens" || denied.RetryAfter != time.Second {
		t.Errorf("%+v", denied)
	}
	one.Settle(at(600)) // more than it grew to: it is counted all the same
	wantDenied(t, two.Grow(at(390)), CodeTokenBudgetSpent)
	two.Settle(at(380))
	if err := two.Grow(at(9999)); err != nil {
		t.Errorf("growing when all is over: %v", err)
	}
	b.wantStates(d, "1180+0", "2+0", "10400+0")
	b.close()
	b.open()
	b.wantStates(d, "1180+0", "2+0", "10400+0")
}

// While the holds suffice nothing is asked, not even whether the ledger is
// there; and a hold goes on in a ledger that is busy writing.
func TestGrowNeedsNoLock(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 1_000_000, Dollars: 1_000_000_000})
	r := b.reserve(d, flowing(0))
	b.mu.Lock()
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 256}); err != nil {
		t.Error(err)
	}
	b.mu.Unlock()
	b.settleDown()
	b.whileBusy(func() {
		for n := int64(0); n < 20_000; n += 100 {
			if err := r.Grow(Usage{InputTokens: 100, OutputTokens: n}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := b.Ledger.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 500_000}); !errors.Is(err, ErrClosed) {
		t.Errorf("growing in a closed ledger: %v", err)
	}
	r.Settle(Usage{}) // too late
}

func TestGrowWithoutADisk(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 10_000})
	r := b.reserve(d, flowing(0))
	b.settleDown()
	if err := b.disk.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 9000}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	b.open()
}

// What streams have ahead together stays a small part of any limit, however
// many there are.
func TestSlicesStaySmall(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 100_000}, Limit{Per: Month, Dollars: 800_000})
	var all []*Reservation
	for range 300 {
		all = append(all, b.reserve(d, flowing(0)))
	}
	for n := int64(1); n < 60; n += 7 {
		for _, r := range all {
			if err := r.Grow(Usage{InputTokens: 100, OutputTokens: n}); err != nil {
				t.Fatal(err)
			}
		}
		certain := amounts{300, 300 * (100 + n), 300 * (300 + 10*n)}
		for i, s := range b.Limits("per_a", d) {
			if ahead := s.Held - certain[i+1]; ahead < 0 || ahead > s.Limit/64+300*takes(i+1, Usage{OutputTokens: 1}) {
				t.Errorf("%d of %d are ahead", ahead, s.Limit)
			}
		}
	}
}

// All of the input may have to be paid as written into the cache, until the
// provider says how much was.
func TestCacheWritesAreExpected(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	dear := price.Rate{Input: 1_000_000, CacheRead: 1_000_000, CacheWrite: 2_000_000, Output: 1_000_000}
	d := limits(Limit{Per: Day, Dollars: 1_000_000})
	req := flowing(1)
	req.Rate = &dear
	r := b.reserve(d, req)
	b.wantStates(d, "0+201")
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 3}); err != nil {
		t.Fatal(err)
	}
	if s := b.Limits("per_a", d)[0]; s.Held < 203 {
		t.Errorf("%+v", s)
	}
	r.Settle(Usage{InputTokens: 100, CachedTokens: 20, CacheWriteTokens: 30, OutputTokens: 5})
	b.wantStates(d, "135+0")
	want := Totals{1, Usage{InputTokens: 100, CachedTokens: 20, CacheWriteTokens: 30, OutputTokens: 5, Cost: 135}}
	if got := b.Totals("per_a"); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
}

func TestStatedCostBeatsThePrice(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Dollars: 1_000_000})
	b.reserve(d, asking(10)).Settle(Usage{InputTokens: 100, OutputTokens: 10, Cost: 77, CostStated: true})
	b.reserve(d, asking(10)).Settle(Usage{InputTokens: 100, OutputTokens: 10, Cost: -5, CostStated: true})
	b.wantStates(d, "77+0")
	b.reserve(d, asking(10)).Settle(Usage{Cost: 1 << 62, CostStated: true})
	b.refused(d, asking(1), CodeDollarBudgetSpent)
	b.close()
	b.open()
	b.refused(d, asking(1), CodeDollarBudgetSpent)
}

// A request that is repeated is one of the requests, whatever it spends; a rate
// counts each attempt.
func TestRetry(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 1, Tokens: 10_000}, Limit{Per: Minute, Requests: 3})
	u := Usage{InputTokens: 100, OutputTokens: 10}
	b.reserve(d, asking(10)).Settle(u)
	b.refused(d, asking(10), CodeRequestQuotaSpent)
	again := asking(10)
	again.Retry = true
	b.reserve(d, again).Settle(u)
	b.wantStates(d, "1+0", "220+0", "2+0")
	if got := b.Totals("per_a"); got.Requests != 1 || got.InputTokens != 200 {
		t.Errorf("totals %+v", got)
	}
	b.reserve(d, again).Release()
	b.refused(d, again, CodeRateLimited)
}

// In minutes, growth counts where it happens, and what is too much goes back
// where it came from.
func TestGrowInMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(t, time.UTC)
		b.Ledger.clock = time.Now
		d := limits(Limit{Per: Minute, Tokens: 1000})
		at := func(output int64) Usage { return Usage{InputTokens: 100, OutputTokens: output} }
		r := b.reserve(d, flowing(0))
		if err := r.Grow(at(850)); err != nil {
			t.Fatal(err)
		}
		denied := wantDenied(t, r.Grow(at(950)), CodeRateLimited)
		if denied.RetryAfter < 59*time.Second || denied.RetryAfter > 61*time.Second {
			t.Errorf("%+v", denied)
		}
		b.refused(d, asking(100), CodeRateLimited)
		time.Sleep(denied.RetryAfter)
		if err := r.Grow(at(950)); err != nil {
			t.Fatal(err)
		}
		if used := b.Limits("per_a", d)[0].Used; used < 85 || used > 125 {
			t.Errorf("the new minute counts %d", used)
		}
		r.Settle(at(900)) // 50 and the slice go back
		if used := b.Limits("per_a", d)[0].Used; used < 35 || used > 75 {
			t.Errorf("the new minute counts %d", used)
		}
		whole := b.reserve(d, asking(100))
		before := b.Limits("per_a", d)[0].Used
		whole.Release()
		if used := b.Limits("per_a", d)[0].Used; used != before-200 {
			t.Errorf("%d after the release of 200 of %d", used, before)
		}
		big := asking(10)
		big.InputTokens = 2000
		if denied := b.refused(d, big, CodeRateLimited); denied.RetryAfter != 0 {
			t.Errorf("%+v", denied)
		}
	})
}

// A provider that reports nonsense spends a minute, and does not turn it over
// to a fresh one.
func TestNonsenseSpendsAMinute(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Minute, Tokens: 1_000_000})
	var all []*Reservation
	for range 9 {
		all = append(all, b.reserve(d, asking(10)))
	}
	for _, r := range all {
		r.Settle(Usage{InputTokens: 1 << 62, OutputTokens: 1 << 62})
	}
	b.refused(d, asking(10), CodeRateLimited)
	if used := b.Limits("per_a", d)[0].Used; used < 1<<60 {
		t.Errorf("%d used", used)
	}
}

// What was settled beyond its hold is on disk when Settle returns.
func TestSettleBeyondTheHold(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 100_000})
	b.reserve(d, asking(10)).Settle(Usage{InputTokens: 80_000, OutputTokens: 10})
	b.crash()
	if s := b.Limits("per_a", d)[0]; s.Used < 80_010 {
		t.Errorf("%+v", s)
	}
}

// A stream that began before midnight grows in the day it began in.
func TestGrowOverMidnight(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 5000}, Limit{Per: Month, Tokens: 50_000})
	r := b.reserve(d, flowing(0))
	b.settleDown()
	for day := range 3 { // in the third, its first day is long written off
		b.move(24 * time.Hour)
		b.reserve(d, flowing(0)).Release()
		if err := r.Grow(Usage{InputTokens: 100, OutputTokens: int64(day+1) * 1500}); err != nil {
			t.Fatal(err)
		}
		if got := b.states(d)[0]; got != "0+0" {
			t.Errorf("the new day counts %s", got)
		}
	}
	wantDenied(t, r.Grow(Usage{InputTokens: 100, OutputTokens: 6000}), CodeTokenBudgetSpent)
	r.Settle(Usage{InputTokens: 100, OutputTokens: 4500})
	b.wantStates(d, "0+0", "4600+0")
}

// Records of ledgers that knew requests only go on.
func TestOldRecords(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 9})
	type counter struct {
		Per     string `json:"per"`
		Unit    string `json:"unit"`
		Span    int64  `json:"span"`
		Ceiling int64  `json:"ceiling"`
	}
	type record struct {
		Counters []counter        `json:"counters"`
		Totals   map[string]int64 `json:"totals"`
	}
	err := b.disk.Update(func(tx *store.Tx) error {
		return store.NewCollection[record]("ledger").Put(tx, "per_a", record{
			[]counter{{"day", "requests", 20261121, 4}},
			map[string]int64{"requests": 4, "input_tokens": 1, "cached_tokens": 2, "output_tokens": 3},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	b.crash()
	b.wantStates(d, "4+0")
	if got, want := b.Totals("per_a"), (Totals{4, Usage{InputTokens: 1, CachedTokens: 2, OutputTokens: 3}}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	if left := b.usedUp(d); left != 5 {
		t.Errorf("%d passed, want 5", left)
	}
}

// Where a request asks for no output and its model is known to end somewhere,
// it gets all of that while there is plenty, and what is written otherwise.
func TestOutputWherePlentyIsFree(t *testing.T) {
	t.Parallel()
	large := penny
	large.MaxOutput = 100_000
	req := asking(0)
	req.Rate = &large
	for _, row := range []struct {
		tokens int64
		held   string
		output int64
	}{
		{1_000_000, "0+100100", 0},
		{400_400, "0+100100", 0},
		{400_399, "0+16484", 16384},
		{10_000, "0+10000", 9900},
	} {
		b := newBook(t, time.UTC)
		d := limits(Limit{Per: Day, Tokens: row.tokens})
		r := b.reserve(d, req)
		if got := b.states(d)[0]; got != row.held || r.OutputCap() != row.output {
			t.Errorf("%d: holds %s and writes %d, want %s and %d", row.tokens, got, r.OutputCap(), row.held, row.output)
		}
	}
}

// Requests to which the provider adds input run one by one under limits that
// count it: what is held of it is a bound for one turn.
func TestInputOutOfSightRunsAlone(t *testing.T) {
	t.Parallel()
	known := penny
	known.MaxContext = 1000
	req := flowing(10)
	req.InputUnknown, req.Rate = true, &known
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 1_000_000})
	first := b.reserve(d, req)
	if denied := b.refused(d, req, CodeBudgetHeld); denied.RetryAfter <= 0 {
		t.Errorf("no time to wait for: %+v", denied)
	}
	b.reserve(d, flowing(10)).Release()
	b.reserve(limits(Limit{Per: Day, Requests: 9}), req).Release()
	first.Release()
	b.reserve(d, req).Release()
}
