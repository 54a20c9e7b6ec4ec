package policy

import "time"

// Renew puts a running request under a document that has taken the place of
// the one it was reserved under. What it holds counts under the new limits
// too. The error is a *[Denied] when it does not fit, and its holds have not
// changed then: the request must be cut. It does nothing once the reservation
// has ended.
//
// Where fewer may run at once than do, as many are denied as are too many.
// Rates are not held against a request that has begun.
func (r *Reservation) Renew(d Document) error {
	l := r.ledger
	l.mu.Lock()
	defer l.unlock()
	for !r.ended {
		if l.closed {
			return ErrClosed
		}
		wait, err := l.renew(r, d)
		if err != nil || wait == nil {
			return err
		}
		if err := l.await(wait, r.waits); err != nil {
			return err
		}
	}
	return nil
}

// renew moves the reservation, or returns what to wait for before it is asked
// again.
func (l *Ledger) renew(r *Reservation, d Document) (*round, error) {
	now, a := l.clock(), r.account
	next, err := l.holds(nil, a, &d, &r.need, now)
	if err != nil {
		return nil, err
	}
	to := r.need.amounts(r.covered)
	next = adopt(next, r.holds, to)
	if denied := l.refuse(r, &d, next, to, now); denied != nil {
		r.leave(true)
		return nil, denied
	}
	if wait := l.uncovered(r, next, to, now); wait != nil {
		return wait, nil
	}
	r.leave(false)
	r.holds = next
	r.raise(to, to, now)
	l.keepAhead(r)
	return nil, nil
}

// adopt carries over what is held in the same places. What was held under
// limits that are no more stays there, without a cap. Windows start with what
// was counted before them.
func adopt(next, old []hold, to amounts) []hold {
	for i := range next {
		if h := &next[i]; h.tally == nil {
			h.amount = h.of(to)
		}
	}
	for _, h := range old {
		at := find(next, h.place)
		if at == nil {
			h.cap = most
			next = append(next, h)
			continue
		}
		at.tally = h.tally
		at.amount, at.slack, at.minute, at.counted = h.amount, h.slack, h.minute, h.counted
	}
	return next
}

// refuse is why the request cannot go on with the holds, nil when it can.
func (l *Ledger) refuse(r *Reservation, d *Document, next []hold, to amounts, now time.Time) *Denied {
	for i := range next {
		h := &next[i]
		if h.cap == most || h.tally == nil {
			continue
		}
		if denied := r.need.unmeasured(h.counts()); denied != nil {
			return h.fill(denied)
		}
		if amount := max(h.of(to), h.amount); amount > h.now() {
			return l.noRoom(r, h, amount, now)
		}
	}
	others := r.account.running - r.account.leaving - 1
	if r.leaving {
		others++
	}
	return checkConcurrency(others, d)
}
