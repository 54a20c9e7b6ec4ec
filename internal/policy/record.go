package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// accountRecord is an account in the store: one ceiling for each tally.
type accountRecord struct {
	Counters []counterRecord `json:"counters,omitzero"`
	Totals   Totals          `json:"totals"`
	// Minutes is until when minute windows may be under way.
	Minutes time.Time `json:"minutes,omitzero"`
}

type counterRecord struct {
	counterKey
	Span    span  `json:"span,omitzero"`
	Ceiling int64 `json:"ceiling"`
	Told    told  `json:"told,omitzero"`
}

var accounts = store.NewCollection[accountRecord]("ledger")

// load reads all accounts. Every tally starts at its ceiling.
func load(s *store.Store, now time.Time) (map[string]*account, error) {
	var records map[string]accountRecord
	err := s.View(func(tx *store.Tx) (err error) {
		records, err = accounts.All(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	all := make(map[string]*account, len(records))
	for id, r := range records {
		all[id] = r.account(id, now)
	}
	return all, nil
}

func (r accountRecord) account(id string, now time.Time) *account {
	a := newAccount(id)
	a.totals = r.Totals
	a.minutes.afterKill(r.Minutes, now)
	for _, cr := range r.Counters {
		if cr.Per == Minute {
			a.minutes.resume(cr, now)
			continue
		}
		c := a.counters[cr.counterKey]
		if c == nil {
			c = &counter{key: cr.counterKey}
			a.counters[cr.counterKey] = c
		}
		all := append(c.tallies(), &tally{span: cr.Span, settled: cr.Ceiling, ceiling: cr.Ceiling, told: cr.Told})
		slices.SortFunc(all, func(a, b *tally) int { return cmp.Compare(b.span, a.span) })
		c.keep(all)
	}
	return a
}

// plan is an account's record about to be written, and the ceilings that hold
// once it has been.
type plan struct {
	id      string
	record  accountRecord
	minutes *minutes
	raises  map[*tally]int64
}

// plan puts every ceiling where it should stand, or, when exact, where the
// counts are. Lowering takes effect in memory before it is on disk, raising
// after: used stays below both at all times.
func (a *account) plan(exact bool, now time.Time) plan {
	p := plan{id: a.id, record: accountRecord{Totals: a.totals, Minutes: a.minutes.plan(now)}, minutes: &a.minutes, raises: map[*tally]int64{}}
	put := func(c *counter, t *tally, ceiling int64) {
		p.record.Counters = append(p.record.Counters, counterRecord{c.key, t.span, ceiling, t.told})
		t.ceiling, t.planned = min(t.ceiling, ceiling), ceiling
		p.raises[t] = ceiling
	}
	for _, c := range a.counters {
		for _, t := range c.tallies() {
			switch {
			case exact || !c.lasts(t):
				put(c, t, t.used())
			default:
				put(c, t, c.target(t))
			}
		}
	}
	return p
}

// settle takes note of how writing went.
func (p plan) settle(err error) {
	p.minutes.settle(err)
	for t, ceiling := range p.raises {
		t.planned = 0
		if err == nil {
			t.ceiling = ceiling
		}
	}
}

// save writes plans in one durable commit. Values are absolute.
func save(s *store.Store, plans []plan) error {
	return s.Update(func(tx *store.Tx) error {
		for _, p := range plans {
			if err := accounts.Put(tx, p.id, p.record); err != nil {
				return err
			}
		}
		return nil
	})
}
