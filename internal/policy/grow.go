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
	if err := l.readWindows(r, now); err != nil {
		return nil, err
	}
	used := r.need.amounts(u)
	for i := range r.holds {
		if h := &r.holds[i]; h.of(used) > max(h.now(), h.amount) {
			denied := l.noRoom(r, h, h.of(used), now)
			l.notice(r, now, denied)
			return nil, denied
		}
	}
	if wait := l.uncovered(r, r.holds, used, now); wait != nil {
		return wait, nil
	}
	to := r.ahead(u, worthwhile, (*hold).durable)
	if err := l.raise(r, r.need.amounts(to), used); err != nil {
		return nil, err
	}
	r.covered = to
	l.keepAhead(r)
	return nil, nil
}

// readWindows reads the windows of the moment.
func (l *Ledger) readWindows(r *Reservation, now time.Time) error {
	for i := range r.holds {
		h := &r.holds[i]
		if h.tally != nil || h.cap == most {
			continue
		}
		w, err := l.window(r.account, h.key, h.cap, now)
		if err != nil {
			return err
		}
		h.used = w.used
	}
	return nil
}

// durable is as far as the hold may go now without waiting for the disk.
func (h *hold) durable() int64 {
	if h.tally == nil || !h.counter.lasts(h.tally) {
		return h.now()
	}
	return min(h.now(), h.amount+h.tally.ceiling-h.tally.used())
}
