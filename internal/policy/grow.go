package policy

import "time"

// Grow says that the request would have used u if it ended now, and takes what
// its holds lack for that. u.InputTokens is the request's estimate until the
// provider has reported better. The error is a *[Denied] when there is no room
// for u, [ErrUnavailable] when it cannot be counted: the request must then be
// cut before it brings its client any more. It takes no lock while the holds
// suffice, and does nothing once the reservation has ended.
//
// Growth counts in the days and months in which the request began, and in the
// minute window of the moment.
func (r *Reservation) Grow(u Usage) error {
	u = r.need.estimate(u)
	if r.suffice(u) {
		return nil
	}
	l := r.ledger
	l.mu.Lock()
	defer l.unlock()
	for !r.ended {
		if l.closed {
			return ErrClosed
		}
		wait, err := l.grow(r, u)
		if err != nil || wait == nil {
			return err
		}
		if err := l.await(wait, r.waits); err != nil {
			return err
		}
	}
	return nil
}

// grow raises the holds, or returns what to wait for before it is asked again.
// Waiting is rare: the slice ahead is rather made smaller.
func (l *Ledger) grow(r *Reservation, u Usage) (*round, error) {
	now := l.clock()
	r.readMinutes(now)
	used := r.need.amounts(u)
	for i := range r.holds {
		if h := &r.holds[i]; h.of(used) > max(h.now(), h.amount) {
			denied := l.noRoom(r, h, h.of(used), now)
			l.notice(r, denied)
			return nil, denied
		}
	}
	if wait := l.uncovered(r, r.holds, used, now); wait != nil {
		return wait, nil
	}
	to := r.ahead(u, worthwhile, (*hold).durable)
	r.raise(r.need.amounts(to), used, now)
	r.covered = to
	l.keepAhead(r)
	return nil, nil
}

// readMinutes looks at the minutes of the moment.
func (r *Reservation) readMinutes(now time.Time) {
	for i := range r.holds {
		if h := &r.holds[i]; h.tally == nil && h.cap != most {
			h.used, _ = r.account.minutes.look(h.window, h.cap, now)
		}
	}
}

// durable is as far as the hold may go now without waiting for the disk.
func (h *hold) durable() int64 {
	if h.tally == nil || !h.counter.lasts(h.tally) {
		return h.now()
	}
	return min(h.now(), h.amount+h.tally.ceiling-h.tally.used())
}
