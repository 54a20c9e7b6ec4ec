package policy

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/keywicket/keywicket/internal/store"
)

// book is a ledger under test with its store and its clock.
type book struct {
	*Ledger
	t     *testing.T
	dir   string
	zone  *time.Location
	disk  *store.Store
	clock atomic.Pointer[time.Time]
}

func newBook(t *testing.T, zone *time.Location) *book {
	t.Helper()
	b := &book{t: t, dir: t.TempDir(), zone: zone}
	b.set(noon)
	b.open()
	t.Cleanup(func() { b.close() })
	return b
}

func (b *book) set(now time.Time)     { b.clock.Store(&now) }
func (b *book) move(by time.Duration) { b.set(b.clock.Load().Add(by)) }
func (b *book) readClock() time.Time  { return *b.clock.Load() }

func (b *book) open() {
	b.t.Helper()
	disk, err := store.Open(store.Config{Dir: b.dir})
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := NewLedger(LedgerConfig{Store: disk, Clock: b.readClock, Zone: b.zone})
	if err != nil {
		b.t.Fatal(err)
	}
	b.disk, b.Ledger = disk, l
}

// close stops in good order.
func (b *book) close() {
	b.t.Helper()
	if err := errors.Join(b.Ledger.Close(), b.disk.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// crash leaves the ledger as a kill would and starts another.
func (b *book) crash() {
	b.t.Helper()
	if err := b.disk.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
}

// settleDown waits until the writer has nothing left to write, and no ceiling
// stands too high.
func (b *book) settleDown() {
	b.writer.lower.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.writer.running {
		b.idle.Wait()
	}
}

var ask = Request{AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o"}

func limits(all ...Limit) Document { return Document{Resource: "llm:openai", Limits: all} }

// take reserves n requests that must all pass.
func (b *book) take(d Document, n int) []*Reservation {
	b.t.Helper()
	all := make([]*Reservation, n)
	for i := range all {
		r, err := b.Reserve("per_a", d, ask)
		if err != nil {
			b.t.Fatalf("reservation %d of %d: %v", i+1, n, err)
		}
		all[i] = r
	}
	return all
}

// use is take, settled.
func (b *book) use(d Document, n int) {
	b.t.Helper()
	for _, r := range b.take(d, n) {
		r.Settle(Usage{})
	}
}

// refused reserves a request that must be denied with the code.
func (b *book) refused(d Document, req Request, code string) *Denied {
	b.t.Helper()
	_, err := b.Reserve("per_a", d, req)
	denied, ok := errors.AsType[*Denied](err)
	if !ok || denied.Code != code {
		b.t.Fatalf("got %v, want %s", err, code)
	}
	return denied
}

// usedUp settles requests until one is denied, and tells how many passed.
func (b *book) usedUp(d Document) int64 {
	b.t.Helper()
	for n := int64(0); ; n++ {
		r, err := b.Reserve("per_a", d, ask)
		if _, denied := errors.AsType[*Denied](err); denied {
			return n
		}
		if err != nil {
			b.t.Fatal(err)
		}
		r.Settle(Usage{})
	}
}

// states is used+held for each limit.
func (b *book) states(d Document) []string {
	var all []string
	for _, s := range b.Limits("per_a", d) {
		all = append(all, fmt.Sprintf("%d+%d", s.Used, s.Held))
	}
	return all
}

func TestReserveSettleRelease(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 3}, Limit{Per: Lifetime, Requests: 5})
	rs := b.take(d, 3)
	if denied := b.refused(d, ask, CodeBudgetHeld); denied.RetryAfter != time.Second || denied.Remaining != 0 || denied.Limit != 3 || denied.Rule != "limits[0].requests" {
		t.Errorf("held: %+v", denied)
	}
	rs[0].Settle(Usage{InputTokens: 10, CachedTokens: 4, OutputTokens: 20})
	rs[0].Settle(Usage{InputTokens: 10})
	rs[0].Release()
	rs[1].Release()
	rs[1].Release()
	rs[1].Settle(Usage{OutputTokens: 7})
	rs[2].Settle(Usage{OutputTokens: -3})
	if got, want := b.Limits("per_a", d), []LimitState{
		{Per: Day, Unit: Requests, Limit: 3, Used: 2, ResetsAt: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		{Per: Lifetime, Unit: Requests, Limit: 5, Used: 2},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, want := b.Totals("per_a"), (Totals{2, Usage{InputTokens: 10, CachedTokens: 4, OutputTokens: 20}}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	b.use(d, 1)
	denied := b.refused(d, ask, CodeRequestQuotaSpent)
	if denied.RetryAfter != 12*time.Hour || !denied.ResetsAt.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("spent: %+v", denied)
	}
	b.move(24 * time.Hour)
	b.use(d, 2)
	if denied := b.refused(d, ask, CodeRequestQuotaSpent); denied.RetryAfter != 0 || !denied.ResetsAt.IsZero() || denied.Rule != "limits[1].requests" {
		t.Errorf("spent for good: %+v", denied)
	}
}

func TestPermissionsDoNotShare(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 1})
	b.use(d, 1)
	if _, err := b.Reserve("per_b", d, ask); err != nil {
		t.Errorf("another permission: %v", err)
	}
	if got := b.Totals("per_never"); got != (Totals{}) {
		t.Errorf("totals of an unknown permission: %+v", got)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := Document{Resource: "llm:openai", Concurrency: 2}
	unlimited := Document{Resource: "llm:openai"}
	first := b.take(unlimited, 1) // counts, should a cap come later
	second := b.take(d, 1)
	if denied := b.refused(d, ask, CodeConcurrencyLimited); denied.RetryAfter != time.Second || denied.Limit != 2 || denied.Remaining != 0 {
		t.Errorf("%+v", denied)
	}
	first[0].Release()
	third := b.take(d, 1)
	second[0].Settle(Usage{})
	third[0].Settle(Usage{})
	b.take(d, 2)
}

func TestLimitsCountTheirModel(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Model: "models/gpt-4o*", Requests: 2}, Limit{Per: Day, Requests: 100})
	with := func(action, model string) Request {
		r := ask
		r.Action, r.Model = action, model
		return r
	}
	for _, req := range []Request{
		with("chat.completions", "o3"), with("chat.completions", "GPT-4o"), with(ActionListModels, ""),
		with("chat.completions", "models/gpt-4o-mini"), // counted
		with("moderations", ""),                        // counted: no model can be found
	} {
		if _, err := b.Reserve("per_a", d, req); err != nil {
			t.Fatalf("%+v: %v", req, err)
		}
	}
	if got, want := b.states(d), []string{"0+2", "0+5"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	b.refused(d, with("chat.completions", "gpt-4o"), CodeBudgetHeld)
	b.refused(d, with("chat.completions", ""), CodeBudgetHeld)
	b.refused(d, with("chat.completions", string(make([]byte, maxGlobBytes+1))), CodeBudgetHeld)
	if _, err := b.Reserve("per_a", d, with(ActionListModels, "")); err != nil {
		t.Errorf("listing models: %v", err)
	}
}

func TestPolicyEditsKeepCounts(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	day := func(n int64) Limit { return Limit{Per: Day, Requests: n} }
	other := Limit{Per: Month, Requests: 1000}
	b.use(limits(day(100)), 40)
	for _, step := range []struct {
		name string
		doc  Document
		left int64
	}{
		{"lowered below what is used", limits(day(30)), 0},
		{"lowered to a little more", limits(day(42)), 2},
		{"moved to another place", limits(other, day(44)), 2},
		{"removed", limits(Limit{Per: Lifetime, Requests: 5}), 5},
		{"put back", limits(day(45)), 1},
		{"raised", limits(day(300)), 255},
	} {
		if got := b.usedUp(step.doc); got != step.left {
			t.Errorf("%s: %d more passed, want %d", step.name, got, step.left)
		}
	}
	b.close()
	b.open()
	if got := b.usedUp(limits(day(310))); got != 10 {
		t.Errorf("after a restart %d more passed, want 10", got)
	}
}

func TestLoweredLimitHoldsWhileRequestsRun(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	rs := b.take(limits(Limit{Per: Day, Requests: 10}), 4)
	lower := limits(Limit{Per: Day, Requests: 3})
	if denied := b.refused(lower, ask, CodeBudgetHeld); denied.Remaining != 0 {
		t.Errorf("%+v", denied)
	}
	rs[0].Release()
	rs[1].Release()
	b.take(lower, 1)
	b.refused(lower, ask, CodeBudgetHeld)
}

func TestLimitsMadeInCode(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	twice := limits(Limit{Per: Day, Requests: 5}, Limit{Per: Day, Requests: 3})
	if got := b.usedUp(twice); got != 3 {
		t.Errorf("two caps on one counter let %d pass, want 3", got)
	}
	b.refused(limits(Limit{Per: Month, Requests: -1}), ask, CodeRequestQuotaSpent)
	_, err := b.Reserve("per_a", limits(Limit{Per: "week", Requests: 1}), ask)
	if refused, ok := errors.AsType[*DocumentError](err); !ok || refused.Path != "limits[0].per" {
		t.Errorf("an unknown period: %v", err)
	}
}

func TestManyAtOnceNeverPassTheCap(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 50}, Limit{Per: Lifetime, Requests: 1000}, Limit{Per: Day, Model: "gpt*", Requests: 60})
	var passed, spent atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			r, err := b.Reserve("per_a", d, ask)
			if err == nil {
				passed.Add(1)
				r.Settle(Usage{InputTokens: 1})
				return
			}
			if denied, ok := errors.AsType[*Denied](err); ok && (denied.Code == CodeBudgetHeld || denied.Code == CodeRequestQuotaSpent) {
				spent.Add(1)
			}
		})
	}
	all.Wait()
	if passed.Load() != 50 || spent.Load() != 150 {
		t.Errorf("%d passed and %d were denied, want 50 and 150", passed.Load(), spent.Load())
	}
	if got := b.Totals("per_a"); got.Requests != 50 || got.InputTokens != 50 {
		t.Errorf("totals %+v", got)
	}
}

func TestMinuteWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(t, time.UTC)
		b.Ledger.clock = time.Now // the windows read it too
		d := limits(Limit{Per: Minute, Requests: 3}, Limit{Per: Minute, Model: "o3", Requests: 1})
		rs := b.take(d, 2)
		time.Sleep(20 * time.Second)
		rs[0].Release() // it was an attempt all the same
		b.use(d, 1)
		denied := b.refused(d, ask, CodeRateLimited)
		if denied.Rule != "limits[0].requests" || denied.Limit != 3 || denied.Remaining != 0 {
			t.Errorf("%+v", denied)
		}
		if s := b.Limits("per_a", d)[0]; s.Used != 3 || !s.ResetsAt.Equal(denied.ResetsAt) {
			t.Errorf("state %+v, denied %+v", s, denied)
		}
		if denied.RetryAfter < 40*time.Second || denied.RetryAfter > 41*time.Second {
			t.Errorf("retry after %v, want 40 seconds", denied.RetryAfter)
		}
		time.Sleep(denied.RetryAfter)
		rs[1].Release() // its window has passed: this one stays as it is
		b.use(d, 3)
		b.refused(d, ask, CodeRateLimited)
	})
}

// A window that a clock set back has moved an hour away keeps its count and
// ends within a minute.
func TestMinuteWindowWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(t, time.UTC)
		b.Ledger.clock = time.Now
		d := limits(Limit{Per: Minute, Requests: 3})
		b.account("per_a").minutes.window(rated{Requests, ""}).add(2, time.Now().Add(time.Hour))
		b.use(d, 1)
		denied := b.refused(d, ask, CodeRateLimited)
		if denied.RetryAfter > 61*time.Second {
			t.Errorf("retry after %v", denied.RetryAfter)
		}
		time.Sleep(denied.RetryAfter)
		b.use(d, 3)
		b.refused(d, ask, CodeRateLimited)
	})
}

// Shares larger than a block move the ceiling as far as they need, and several
// together no further than the limit.
func TestCeilingMakesRoomForWhoWaits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		waiting []int64
		ceiling int64
	}{
		{nil, 33}, {[]int64{8}, 41}, {[]int64{100}, 133}, {[]int64{20, 30}, 83}, {[]int64{90, 90}, 160},
		{[]int64{150}, 160}, {[]int64{150, 150}, 160}, // others took what was free when it was asked for
	} {
		c := &counter{key: counterKey{Per: Day, Unit: Requests}, limit: 160, current: &tally{settled: 20, held: 5}}
		for _, amount := range row.waiting {
			c.ask(amount, c.limit)
		}
		if got := c.target(c.current); got != row.ceiling {
			t.Errorf("%v: ceiling %d, want %d", row.waiting, got, row.ceiling)
		}
		for _, amount := range row.waiting {
			c.have(amount)
		}
		if got := c.target(c.current); got != 33 {
			t.Errorf("%v: ceiling %d when nobody waits", row.waiting, got)
		}
	}
	c := &counter{key: counterKey{Per: Day, Unit: Requests}, limit: 160, current: &tally{settled: 20, held: 5}}
	if c.ask(200, most); c.target(c.current) != 225 {
		t.Errorf("ceiling %d for one that no cap binds any more", c.target(c.current))
	}
}

// A request denied by one limit must leave all others as they were.
func TestDeniedTakesNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		doc  Document
		code string
	}{
		{"rate", Document{Limits: []Limit{{Per: Lifetime, Requests: 9}, {Per: Day, Requests: 9}, {Per: Minute, Requests: 2}}, Concurrency: 9}, CodeRateLimited},
		{"concurrency", Document{Limits: []Limit{{Per: Lifetime, Requests: 9}, {Per: Minute, Requests: 9}}, Concurrency: 2}, CodeConcurrencyLimited},
		{"day", Document{Limits: []Limit{{Per: Minute, Requests: 9}, {Per: Lifetime, Requests: 9}, {Per: Day, Requests: 2}}, Concurrency: 9}, CodeBudgetHeld},
	} {
		b := newBook(t, time.UTC)
		rs := b.take(row.doc, 2)
		before := b.Limits("per_a", row.doc)
		for range 5 {
			b.refused(row.doc, ask, row.code)
		}
		if after := b.Limits("per_a", row.doc); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %+v became %+v", row.name, before, after)
		}
		if rs[0].Release(); row.code == CodeRateLimited {
			b.refused(row.doc, ask, row.code) // a rate counts attempts
			continue
		}
		b.take(row.doc, 1)
	}
}

func TestLedgerCheckTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := Document{Concurrency: 1, Limits: []Limit{{Per: Day, Requests: 2}}}
	want := func(results ...Result) {
		t.Helper()
		checks, err := b.Check("per_a", d, ask)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range checks {
			if c.Rule != []string{"rate", "concurrency", "limits"}[i] || c.Result != results[i] || (c.Reason == "") != (c.Result == NotReached) {
				t.Errorf("check %d: %+v, want %s", i, c, results[i])
			}
		}
	}
	want(Pass, Pass, Pass)
	r := b.take(d, 1)
	want(Pass, Fail, NotReached)
	r[0].Settle(Usage{})
	b.use(d, 1)
	want(Pass, Pass, Fail)
}

// A limit that takes the place of several starts with what they counted: the
// sum, of such as cannot have counted the same request.
func TestOneLimitForSeveral(t *testing.T) {
	t.Parallel()
	of := func(models ...string) Document {
		var d Document
		for _, m := range models {
			d.Limits = append(d.Limits, Limit{Per: Day, Model: m, Requests: 100})
		}
		return limits(d.Limits...)
	}
	for _, row := range []struct {
		name   string
		before Document
		after  string
		want   string
	}{
		{"apart", of("gpt-4o", "claude"), "", "7+0"},
		{"one within the other", of("gpt-4o", "gpt*"), "", "4+0"},
		{"two within one, and one apart", of("gpt-4o", "gpt*", "claude"), "*", "7+0"},
		{"not all of them", of("gpt-4o", "claude"), "gpt*", "4+0"},
	} {
		b := newBook(t, time.UTC)
		for model, n := range map[string]int{"gpt-4o": 4, "claude": 3} {
			for range n {
				req := ask
				req.Model = model
				b.reserve(row.before, req).Settle(Usage{})
			}
		}
		if got := b.states(of(row.after))[0]; got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// A batch of mail counts as so many requests.
func TestMessagesAreRequests(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 5})
	batch := func(n int) Request {
		req := ask
		req.Action, req.Mail = "emails.batch", &MailFacts{Messages: n}
		return req
	}
	r := b.reserve(d, batch(3))
	b.wantStates(d, "0+3")
	r.Settle(Usage{})
	b.wantStates(d, "3+0")
	b.refused(d, batch(3), CodeRequestQuotaSpent)
	b.reserve(d, batch(2)).Release()
	b.reserve(d, batch(0)).Settle(Usage{})
	b.wantStates(d, "4+0")
	if checks, err := Test(d, batch(6), nil); err != nil || !failed(checks) {
		t.Errorf("six messages where five may go: %v, %v", checks, err)
	}
}
