package policy

import "time"

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
	waiting int   // reservations
	current *tally
	past    *tally // the one before, should the clock come back to it
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

// at is the counter's tally for the time now.
//
// A clock that goes back must not hand out a period twice. One step back is a
// correction around midnight, and the later period simply goes on. Further
// back, the clock had been ahead by more than a period, and waiting for that
// period to end could take years: the count goes along to where the clock is.
func (c *counter) at(now time.Time, zone *time.Location) *tally {
	s := c.key.Per.span(now, zone)
	switch {
	case c.current == nil:
		c.current = &tally{span: s}
	case s == c.current.span || s == c.key.Per.before(c.current.span):
	case s > c.current.span:
		c.current, c.past = &tally{span: s}, c.current
	default:
		t := c.past
		if t == nil || t.span != s {
			t = &tally{span: s}
		}
		t.settled = saturate(t.settled, c.current.used())
		c.current, c.past = t, nil
	}
	return c.current
}

// ask takes note of a reservation that waits for so much, have that it waits no
// longer.
func (c *counter) ask(amount int64) {
	c.waiting++
	c.wants = saturate(c.wants, amount)
	c.largest = max(c.largest, amount)
}

func (c *counter) have(amount int64) {
	c.waiting--
	c.wants = max(0, c.wants-amount)
	if c.waiting == 0 {
		c.wants, c.largest = 0, 0
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
	return max(t.used()+c.largest, min(c.limit, t.used()+c.wants+block-block/4))
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
	minutes  minutes
	left     []counterRecord // windows under way when the ledger was closed
	totals   Totals
	touched  bool // since the start
}

func newAccount(id string) *account {
	return &account{id: id, counters: map[counterKey]*counter{}}
}

// counter finds the counter for a unit of one of the document's limits, or
// makes one that starts with what is known.
func (a *account) counter(d Document, l Limit, u Unit, now time.Time, zone *time.Location) *counter {
	key := counterKey{Per: l.Per, Unit: u, Model: countedModel(l.Model)}
	c, found := a.counters[key]
	if !found {
		c = &counter{key: key}
		c.at(now, zone).settled = a.known(d, key, now, zone)
		a.counters[key] = c
	}
	return c
}

// known is how much of what a new counter is to count has been counted by
// others: all that ones for narrower globs have, and as much as the largest
// of those that it takes the place of. A limit that is spent does not start
// anew because it is written in another way.
func (a *account) known(d Document, key counterKey, now time.Time, zone *time.Location) int64 {
	var most int64
	for other, c := range a.counters {
		if other.Per != key.Per || other.Unit != key.Unit {
			continue
		}
		replaced := !d.has(other) && overlap(key.Model, other.Model)
		if replaced || covers(key.Model, other.Model) {
			most = max(most, c.at(now, zone).used())
		}
	}
	return most
}

// has says whether a limit of the document uses the counter.
func (d Document) has(key counterKey) bool {
	for _, l := range d.Limits {
		if key.Unit.cap(l) != 0 && key == (counterKey{Per: l.Per, Unit: key.Unit, Model: countedModel(l.Model)}) {
			return true
		}
	}
	return false
}
