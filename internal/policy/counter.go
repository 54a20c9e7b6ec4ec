package policy

import (
	"cmp"
	"slices"
)

// counterKey is what a counter is known by within a permission. A limit that
// is moved, raised, lowered, or removed and put back finds its counts again.
type counterKey struct {
	Per   Period `json:"per"`
	Unit  Unit   `json:"unit"`
	Model string `json:"model,omitzero"`
}

// counter counts one unit over one kind of period.
type counter struct {
	key     counterKey
	limit   int64 // the cap of the last request let through; sizes the block
	wants   int64 // what waiting reservations ask for together
	largest int64 // what one of them asks for
	bound   int64 // the highest cap that one of them has
	waiting int   // reservations
	current *tally
	past    *tally   // the one before, should the clock come back to it
	older   []*tally // those before that, the latest first; at most maxOlder
}

// tally is what was used in one period.
//
//	0 ── settled ── +held = used ──── ceiling ──── limit
//	                                  on disk
//
// Used never passes the ceiling, and the ceiling is on disk: a process that is
// killed starts again at the ceiling, as if all of it had been used.
type tally struct {
	span          span
	settled, held int64
	slack         int64 // the part of held that streams have ahead of their usage
	ceiling       int64
	planned       int64 // the ceiling being written now; 0 is none
	told          told
}

func (t *tally) used() int64 { return t.settled + t.held }

// at is the counter's tally for today.
//
// A clock that goes back must not hand out a period twice. One step back is a
// correction around midnight, and the later period simply goes on. Further
// back, the clock had been ahead by more than a period, and waiting for that
// period to end could take years: the most that was counted in any of the later
// periods goes along to where the clock is.
func (c *counter) at(today date) *tally {
	s := c.key.Per.on(today)
	switch {
	case c.current == nil:
		c.current = &tally{span: s}
	case s == c.current.span || s == c.key.Per.before(c.current.span):
	case s > c.current.span:
		if c.past != nil {
			c.older = append([]*tally{c.past}, c.older[:min(len(c.older), maxOlder-1)]...)
		}
		c.current, c.past = &tally{span: s}, c.current
	default:
		c.goBack(s)
	}
	return c.current
}

// maxOlder is how many periods before the last two a counter knows.
const maxOlder = 6

// goBack makes s, which the clock had left behind, the current period.
func (c *counter) goBack(s span) {
	all := c.tallies()
	later := slices.IndexFunc(all, func(t *tally) bool { return t.span <= s })
	if later < 0 {
		later = len(all)
	}
	var carried int64
	for _, t := range all[:later] {
		carried = max(carried, t.used())
	}
	if all = all[later:]; len(all) == 0 || all[0].span != s {
		all = append([]*tally{{span: s}}, all...)
	}
	all[0].settled = saturate(all[0].settled, carried)
	c.keep(all)
}

// tallies are those the counter has, the latest first; keep is what they
// are from now on.
func (c *counter) tallies() []*tally {
	all := make([]*tally, 0, 2+len(c.older))
	for _, t := range append([]*tally{c.current, c.past}, c.older...) {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}

func (c *counter) keep(all []*tally) {
	c.current, c.past, c.older = all[0], nil, nil
	if len(all) > 1 {
		c.past, c.older = all[1], all[2:min(len(all), 2+maxOlder)]
	}
}

// ask takes note of a reservation that waits for so much under a cap, have that
// it waits no longer.
func (c *counter) ask(amount, limit int64) {
	c.waiting++
	c.wants = saturate(c.wants, amount)
	c.largest = max(c.largest, amount)
	c.bound = max(c.bound, limit)
}

func (c *counter) have(amount int64) {
	c.waiting--
	c.wants = max(0, c.wants-amount)
	if c.waiting == 0 {
		c.wants, c.largest, c.bound = 0, 0, 0
	}
}

// lasts says whether the tally is among those that are written down. What
// belongs to still older periods is of no use to anybody.
func (c *counter) lasts(t *tally) bool { return t == c.current || t == c.past }

// target is where the ceiling should stand: most of a block above what is
// used, and above the limit only for those that are bound by none any more. The
// rest of the block leaves room for what is given back.
func (c *counter) target(t *tally) int64 {
	if t == c.past && t.held == 0 && c.waiting == 0 {
		return t.used()
	}
	block := c.key.Unit.block(c.limit)
	needed := max(t.used(), min(t.used()+c.largest, c.bound))
	return max(needed, min(c.limit, t.used()+c.wants+block-block/4))
}

// near says that the ceiling should be raised, now that there still is time:
// all but a quarter of a block is gone.
func (c *counter) near(t *tally) bool {
	stands := max(t.ceiling, t.planned)
	return stands < t.used() || 4*(stands-t.used()) < c.key.Unit.block(c.limit) && c.target(t) > stands
}

// far says that, after something was given back, the ceiling stands more than
// a block too high.
func (c *counter) far(t *tally) bool {
	return max(t.ceiling, t.planned)-t.used() > c.key.Unit.block(c.limit)
}

// account is everything counted for one permission.
type account struct {
	id       string
	counters map[counterKey]*counter
	running  int
	growing  int // of them, streams that take their output bit by bit
	leaving  int // of them, told to end
	unseen   int // of them, with input of which only a bound for one turn is known, under limits in tokens or dollars
	minutes  minutes
	latest   quotas
	totals   Totals
	touched  bool // since the start
}

func newAccount(id string) *account {
	return &account{id: id, counters: map[counterKey]*counter{}}
}

// counter finds the counter for a unit of one of a document's limits, or makes
// one that starts with what is known.
func (a *account) counter(all []Limit, l *Limit, u Unit, today date) *counter {
	key := counterKey{Per: l.Per, Unit: u, Model: countedModel(l.Model)}
	c, found := a.counters[key]
	if !found {
		c = &counter{key: key}
		c.at(today).settled = a.known(all, key, today)
		a.counters[key] = c
	}
	return c
}

// known is how much of what a new counter is to count has been counted by
// others: ones for narrower globs, and those that it takes the place of. Of
// such as may have counted the same request it is the largest, of others the
// sum. A limit that is spent does not start anew because it is written in
// another way.
func (a *account) known(all []Limit, key counterKey, today date) int64 {
	var from []*counter
	for other, c := range a.counters {
		if other.Per != key.Per || other.Unit != key.Unit {
			continue
		}
		replaced := !counts(all, other) && overlap(key.Model, other.Model)
		if replaced || covers(key.Model, other.Model) {
			from = append(from, c)
		}
	}
	used := func(c *counter) int64 { return c.at(today).used() }
	slices.SortFunc(from, func(a, b *counter) int {
		return cmp.Or(cmp.Compare(used(b), used(a)), cmp.Compare(a.key.Model, b.key.Model))
	})
	var sum int64
	var counted []*counter
	for _, c := range from {
		if !slices.ContainsFunc(counted, func(larger *counter) bool { return overlap(larger.key.Model, c.key.Model) }) {
			sum, counted = saturate(sum, used(c)), append(counted, c)
		}
	}
	return sum
}

// counts says whether one of a document's limits uses the counter.
func counts(all []Limit, key counterKey) bool {
	for _, l := range all {
		if key.Unit.cap(l) != 0 && key == (counterKey{Per: l.Per, Unit: key.Unit, Model: countedModel(l.Model)}) {
			return true
		}
	}
	return false
}
