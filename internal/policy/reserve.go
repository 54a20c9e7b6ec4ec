package policy

import (
	"fmt"
	"time"
)

// charge is one unit of one limit that a request must find room in: a window
// for minutes, else a tally.
type charge struct {
	index   int // of the limit in the document
	limit   Limit
	unit    Unit
	cap     int64
	amount  int64
	shared  bool // an earlier charge counts in the same place
	key     string
	window  window
	counter *counter
	tally   *tally
}

// Reserve takes one request's share of the rate, the concurrency and every
// limit, or of none of them. The counts belong to the periods of now, by the
// ledger's clock. Errors: *[Denied], [ErrUnavailable], or a *[DocumentError]
// for limits that [Parse] would refuse.
func (l *Ledger) Reserve(permissionID string, d Document, req Request) (*Reservation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.closed {
			return nil, ErrClosed
		}
		now := l.clock()
		a := l.account(permissionID)
		charges, err := l.charges(a, d, req, now)
		if err != nil {
			return nil, err
		}
		for _, c := range l.checks(a, d, charges, now) {
			if c.denied != nil {
				return nil, c.denied
			}
		}
		wait := l.uncovered(a, charges, now)
		if wait == nil {
			return l.take(a, charges)
		}
		// While the disk is written others may take what was free, so all is
		// asked again.
		if err := l.await(wait); err != nil {
			return nil, err
		}
	}
}

// charges lists what the request counts in.
func (l *Ledger) charges(a *account, d Document, req Request, now time.Time) ([]charge, error) {
	charges := make([]charge, 0, len(d.Limits))
	for i, limit := range d.Limits {
		if !limit.Per.known() {
			return nil, limit.validate(fmt.Sprintf("limits[%d]", i))
		}
		if !req.countedBy(limit) {
			continue
		}
		for _, u := range units {
			if u.cap(limit) == 0 {
				continue
			}
			c, err := l.charge(a, d, limit, u, now)
			if err != nil {
				return nil, err
			}
			c.index, c.amount = i, 1
			for _, other := range charges {
				c.shared = c.shared || c.sharesWith(other)
			}
			charges = append(charges, c)
		}
	}
	return charges, nil
}

// charge finds where a unit of a limit is counted.
func (l *Ledger) charge(a *account, d Document, limit Limit, u Unit, now time.Time) (charge, error) {
	c := charge{limit: limit, unit: u, cap: u.cap(limit)}
	if limit.Per == Minute {
		var err error
		c.key = rateKey(a.id, u, limit)
		c.window, err = l.window(a, c, now)
		return c, err
	}
	c.counter = a.counter(d, limit, u, now, l.zone)
	c.tally = c.counter.at(now, l.zone)
	return c, nil
}

func (c charge) sharesWith(other charge) bool {
	return c.key == other.key && c.counter == other.counter
}

// counted is what the charge's place has counted so far.
func (c charge) counted() (settled, held int64) {
	if c.tally == nil {
		return c.window.used, 0
	}
	return c.tally.settled, c.tally.held
}

// uncovered returns what to wait for until every tally's ceiling on disk has
// room for the request, nil when it has.
func (l *Ledger) uncovered(a *account, charges []charge, now time.Time) *round {
	var wait *round
	for _, c := range charges {
		if c.tally == nil {
			if w := l.unmarked(a, c, now); w != nil {
				wait = w
			}
			continue
		}
		c.counter.limit = c.cap
		if c.tally.used()+c.amount <= c.tally.ceiling {
			continue
		}
		if l.writer.now != nil && c.tally.used()+c.amount <= c.tally.planned && wait == nil {
			wait = l.writer.now
			continue
		}
		c.counter.want = max(c.counter.want, c.amount)
		wait = l.write(a)
	}
	return wait
}

// take counts the request everywhere. Only windows can fail, so they go first.
func (l *Ledger) take(a *account, charges []charge) (*Reservation, error) {
	r := &Reservation{ledger: l, account: a, holds: make([]hold, 0, len(charges))}
	for _, c := range charges {
		if c.shared || c.tally != nil {
			continue
		}
		w, err := l.rates.add(c.key, c.amount)
		if err != nil {
			r.correct(hold.none)
			return nil, err
		}
		r.holds = append(r.holds, hold{unit: c.unit, amount: c.amount, key: c.key, window: w.id})
	}
	for _, c := range charges {
		if c.shared || c.tally == nil {
			continue
		}
		c.tally.held += c.amount
		r.holds = append(r.holds, hold{unit: c.unit, amount: c.amount, counter: c.counter, tally: c.tally})
	}
	a.running++
	a.touched = true
	l.keepAhead(r)
	return r, nil
}

// keepAhead has ceilings moved in the background that the reservation left
// too near or too far.
func (l *Ledger) keepAhead(r *Reservation) {
	for _, h := range r.holds {
		if h.counter != nil && !l.closed && h.counter.stale() {
			l.write(r.account)
			return
		}
	}
}
