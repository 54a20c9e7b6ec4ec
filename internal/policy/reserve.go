package policy

import "time"

// Reserve takes one request's share of the rate, the concurrency and every
// limit, or of none of them. The counts belong to the periods of now, by the
// ledger's clock.
//
// A stream holds its input and a slice of output, and grows; any other request
// holds its input and all of its output, which the budget may lower: see
// [Reservation.OutputCap]. Errors: *[Denied], [ErrUnavailable], or a
// *[DocumentError] for limits that [Parse] would refuse.
func (l *Ledger) Reserve(permissionID string, d Document, req Request) (*Reservation, error) {
	r := &Reservation{ledger: l, need: newNeed(&d, &req)}
	l.mu.Lock()
	defer l.unlock()
	for {
		if l.closed {
			return nil, ErrClosed
		}
		wait, err := l.reserve(r, l.account(permissionID), &d)
		if err != nil {
			return nil, err
		}
		if wait == nil {
			return r, nil
		}
		// While the disk is written others may take what was free, so all is
		// asked again.
		if err := l.await(wait, r.waits); err != nil {
			return nil, err
		}
	}
}

// reserve takes the share, or returns what to wait for before it is asked
// again.
func (l *Ledger) reserve(r *Reservation, a *account, d *Document) (*round, error) {
	now := l.clock()
	holds, err := l.holds(r.first[:0], a, d, &r.need, now)
	if err != nil {
		return nil, err
	}
	r.account, r.holds = a, holds
	free := r.room()
	if _, denied := l.check(r, d, &free, now); denied != nil {
		l.notice(r, denied)
		return nil, denied
	}
	used, to := r.begin(free.output)
	if wait := l.uncovered(r, r.holds, to, now); wait != nil {
		return wait, nil
	}
	r.raise(to, used, now)
	a.running++
	if r.need.grows() {
		a.growing++
	}
	if r.alone = r.unseen(); r.alone {
		a.unseen++
	}
	a.touched = true
	r.waits = nil
	l.keepAhead(r)
	return nil, nil
}

// uncovered returns what to wait for until every tally's ceiling on disk has
// room for the amounts, nil when it has.
func (l *Ledger) uncovered(r *Reservation, holds []hold, to amounts, now time.Time) *round {
	var wait *round
	for i := range holds {
		if w := l.uncoveredHold(r.account, &holds[i], to, now); w != nil {
			wait = w
		}
	}
	if wait == nil {
		return nil
	}
	// Each ceiling must make room, also one that has it: what is written for
	// another would lower it again.
	for i := range holds {
		h := &holds[i]
		h.asked = max(h.of(to)-h.amount, 0)
	}
	r.waits = holds
	return wait
}

func (l *Ledger) uncoveredHold(a *account, h *hold, to amounts, now time.Time) *round {
	more := h.of(to) - h.amount
	if h.tally == nil {
		if w := l.unmarked(a, now); more > 0 {
			return w
		}
		return nil
	}
	if h.cap != most {
		h.counter.limit = h.cap
	}
	used := h.tally.used() + more
	switch {
	case !h.counter.lasts(h.tally) || more <= 0 || used <= h.tally.ceiling:
		return nil
	case l.writer.now != nil && used <= h.tally.planned:
		return l.writer.now
	}
	return l.write(a)
}

// raise takes what the holds lack for the amounts, of which those of used are
// needed now.
func (r *Reservation) raise(to, used amounts, now time.Time) {
	for i := range r.holds {
		h := &r.holds[i]
		if more := h.of(to) - h.amount; more > 0 {
			h.take(more, now)
		}
		h.lead(h.of(used))
	}
	r.measure()
}

// take counts more in the tally or the minute of the moment.
func (h *hold) take(more int64, now time.Time) {
	h.amount += more
	if h.tally != nil {
		h.tally.held += more
		return
	}
	if h.window.add(more, now); h.window.ends != h.minute {
		h.minute, h.counted = h.window.ends, 0
	}
	h.counted += more
}

// keepAhead has ceilings moved in the background that the reservation left too
// near or too far.
func (l *Ledger) keepAhead(r *Reservation) {
	for i := range r.holds {
		h := &r.holds[i]
		switch {
		case h.tally == nil || l.closed || !h.counter.lasts(h.tally):
		case h.counter.near(h.tally):
			l.write(r.account)
		case h.counter.far(h.tally):
			l.writer.lower.add(r.account)
		}
	}
}
