package policy

import (
	"testing"
	"testing/synctest"
	"time"
)

// A running request is put under the document that took the place of its own.
func TestRenew(t *testing.T) {
	t.Parallel()
	day := func(n int64) Limit { return Limit{Per: Day, Tokens: n} }
	for _, row := range []struct {
		name   string
		next   Document
		code   string // "" is renewed
		states []string
		grows  int64 // as far as output goes then
	}{
		{"the same", limits(day(1000)), "", []string{"0+415"}, 900},
		{"raised", limits(day(3000)), "", []string{"0+415"}, 2900},
		{"lowered to what it holds", limits(day(420)), "", []string{"0+415"}, 320},
		{"lowered below what it holds", limits(day(300)), CodeTokenBudgetSpent, nil, 900},
		{"removed", limits(Limit{Per: Day, Requests: 3}), "", []string{"0+1"}, 1_000_000},
		{"another beside it", limits(day(1000), Limit{Per: Lifetime, Tokens: 600}), "", []string{"0+415", "0+415"}, 500},
		{"another too small", limits(day(1000), Limit{Per: Lifetime, Tokens: 300}), CodeTokenBudgetSpent, nil, 900},
		{"in money", limits(Limit{Per: Lifetime, Dollars: 5000}), "", []string{"0+3450"}, 470},
		{"of another model, in its place", limits(Limit{Per: Day, Model: "o3", Tokens: 1}), "", []string{"415+0"}, 1_000_000},
		{"for a minute", limits(Limit{Per: Minute, Tokens: 100}), "", []string{"0+0"}, 400},
	} {
		b := newBook(t, time.UTC)
		before := limits(day(1000))
		r := b.reserve(before, flowing(0))
		at := func(output int64) Usage { return Usage{InputTokens: 100, OutputTokens: output} }
		if err := r.Grow(at(300)); err != nil {
			t.Fatal(err)
		}
		switch err := r.Renew(row.next); {
		case row.code != "":
			wantDenied(t, err, row.code)
			b.wantStates(before, "0+415")
		case err != nil:
			t.Errorf("%s: %v", row.name, err)
		default:
			b.wantStates(row.next, row.states...)
		}
		if err := r.Grow(at(row.grows)); err != nil {
			t.Errorf("%s: grown to %d: %v", row.name, row.grows, err)
		}
		if row.grows < 1_000_000 && r.Grow(at(row.grows+101)) == nil {
			t.Errorf("%s: grown to more than %d", row.name, row.grows)
		}
		r.Settle(at(200))
		if err := r.Renew(row.next); err != nil {
			t.Errorf("%s: renewed when all is over: %v", row.name, err)
		}
		b.wantStates(before, "300+0")
		b.settleDown()
		b.crash()
		if s := b.Limits("per_a", before)[0]; s.Used < 300 {
			t.Errorf("%s: %+v after a crash", row.name, s)
		}
	}
}

// A limit that is left and put back goes on with what was held all along.
func TestRenewAndBack(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	tokens, none := limits(Limit{Per: Day, Tokens: 1000}), limits(Limit{Per: Day, Requests: 9})
	r := b.reserve(tokens, flowing(0))
	for range 2 {
		for _, d := range []Document{none, tokens} {
			if err := r.Renew(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 800}); err != nil {
		t.Fatal(err)
	}
	wantDenied(t, r.Grow(Usage{InputTokens: 100, OutputTokens: 950}), CodeTokenBudgetSpent)
	r.Settle(Usage{InputTokens: 100, OutputTokens: 800})
	b.wantStates(tokens, "900+0")
	b.wantStates(none, "1+0")
}

// What is held over midnight stays in its day under a new document, too.
func TestRenewOverMidnight(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Tokens: 1000})
	r := b.reserve(d, flowing(0))
	b.move(24 * time.Hour)
	if err := r.Renew(limits(Limit{Per: Day, Tokens: 2000}, Limit{Per: Month, Tokens: 2000})); err != nil {
		t.Fatal(err)
	}
	if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 1800}); err != nil {
		t.Fatal(err)
	}
	r.Settle(Usage{InputTokens: 100, OutputTokens: 1800})
	b.wantStates(limits(Limit{Per: Day, Tokens: 2000}, Limit{Per: Month, Tokens: 2000}), "0+0", "1900+0")
}

// Where fewer may run than do, as many are cut as are too many.
func TestRenewCutsDownToConcurrency(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	all := b.take(Document{Resource: "llm:openai"}, 5)
	fewer := Document{Resource: "llm:openai", Concurrency: 2}
	var cut []*Reservation
	for range 2 {
		for _, r := range all {
			if err := r.Renew(fewer); err != nil {
				wantDenied(t, err, CodeConcurrencyLimited)
				cut = append(cut, r)
			}
		}
	}
	if len(cut) != 6 || cut[0] != cut[3] {
		t.Errorf("%d were cut, want the same 3 twice", len(cut))
	}
	if err := cut[0].Renew(Document{Resource: "llm:openai", Concurrency: 3}); err != nil {
		t.Errorf("it may go on: %v", err)
	}
	for _, r := range all[:4] {
		r.Settle(Usage{})
	}
	b.take(fewer, 1)
	b.refused(fewer, ask, CodeConcurrencyLimited)
}

func TestRenewWithoutAPrice(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	req := flowing(0)
	req.Rate = nil
	r := b.reserve(limits(Limit{Per: Day, Tokens: 1000}), req)
	wantDenied(t, r.Renew(limits(Limit{Per: Day, Dollars: 1000})), CodeModelUnpriced)
}

// Rates are not held against a request that has begun; what it adds is.
func TestRenewInMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(t, time.UTC)
		b.Ledger.clock = time.Now
		r := b.reserve(limits(Limit{Per: Minute, Requests: 5, Tokens: 5000}), flowing(0))
		slower := limits(Limit{Per: Minute, Requests: 1, Tokens: 400})
		b.reserve(limits(Limit{Per: Minute, Requests: 5}), ask)
		if err := r.Renew(slower); err != nil {
			t.Fatal(err)
		}
		if err := r.Grow(Usage{InputTokens: 100, OutputTokens: 250}); err != nil {
			t.Fatal(err)
		}
		wantDenied(t, r.Grow(Usage{InputTokens: 100, OutputTokens: 400}), CodeRateLimited)
	})
}
