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
	r := &Reservation{ledger: l, need: newNeed(d, req)}
	l.mu.Lock()
	defer l.unlock()
	for {
		if l.closed {
			return nil, ErrClosed
		}
		wait, err := l.reserve(r, l.account(permissionID), d)
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
func (l *Ledger) reserve(r *Reservation, a *account, d Document) (*round, error) {
	now := l.clock()
	holds, err := l.holds(a, d, r.need.req, now)
	if err != nil {
		return nil, err
	}
	r.account, r.holds = a, holds
	free := r.room()
	for _, c := range l.checks(r, d, free, now) {
		if c.denied != nil {
			l.notice(r, now, c.denied)
			return nil, c.denied
		}
	}
	used, to := r.begin(free.output)
	if wait := l.uncovered(r, r.holds, to, now); wait != nil {
		return wait, nil
	}
	if err := l.raise(r, to, used); err != nil {
		r.correct(func(*hold) int64 { return 0 })
		return nil, err
	}
	a.running++
	if r.need.grows() {
		a.growing++
	}
	a.touched = true
	l.keepAhead(r)
	return nil, nil
}

// room is what a request may begin with.
type room struct {
	output int64   // over all choices
	input  amounts // without any output
	least  amounts // with the smallest answer
	floor  amounts // below which it rather waits for what others hold
	leave  bool    // half of what is free to streams that grow
}

// room is what the request could begin with.
//
// The output of a request that holds all of it at once is lowered to what is
// free, but not below the floor as long as others may give something back: an
// answer cut short costs more than a moment. While streams grow, it leaves
// them half of what is free, so that one worst case does not cut them all.
func (r *Reservation) room() room {
	n := &r.need
	want, input := n.output(), n.amounts(n.with(0))
	least := n.amounts(n.with(n.choices))
	free := room{want, input, least, least, n.whole && r.account.growing > 0}
	now := func(output int64) bool { return r.fit(n.amounts(n.with(output)), free.now) }
	if now(want) {
		return free
	}
	best := largest(want, func(output int64) bool { return r.fit(n.amounts(n.with(output)), (*hold).best) })
	free.floor = n.amounts(n.with(min(want, n.choices*worthwhile, max(best, n.choices))))
	free.output = largest(want, now)
	return free
}

// now is as far as a hold may go at the start.
func (f *room) now(h *hold) int64 {
	input := h.of(f.input)
	free := h.now() - input
	if f.leave && h.tally != nil && free > 0 {
		free -= free / 2
	}
	return input + free
}

// fit says that every hold may be raised to the amounts.
func (r *Reservation) fit(a amounts, room func(*hold) int64) bool {
	for i := range r.holds {
		if h := &r.holds[i]; h.of(a) > room(h) {
			return false
		}
	}
	return true
}

// begin settles on the output held from the start. It returns the amounts of
// the usage that is certain and those to hold.
func (r *Reservation) begin(output int64) (used, to amounts) {
	n := &r.need
	switch {
	case n.grows():
		used := n.with(min(n.choices, output))
		r.covered = r.ahead(used, min(worthwhile, output-used.OutputTokens), (*hold).now)
		return n.amounts(used), n.amounts(r.covered)
	case n.choices > 0:
		each := output / n.choices
		if r.measured() && (each < n.perChoice || n.unbounded) {
			r.outputCap = each
		}
		r.covered = n.with(each * n.choices)
	default:
		r.covered = n.with(0)
	}
	a := n.amounts(r.covered)
	return a, a
}

// ahead adds a slice of output to a usage: as much as each hold has room for
// and may be ahead.
func (r *Reservation) ahead(u Usage, most int64, room func(*hold) int64) Usage {
	base := r.need.amounts(u)
	add := func(output int64) Usage {
		u := u
		u.OutputTokens += output
		return u
	}
	output := largest(max(most, 0), func(output int64) bool {
		a := r.need.amounts(add(output))
		return r.fit(a, func(h *hold) int64 { return min(room(h), h.of(base)+h.share(r.account.running)) })
	})
	return add(max(output, 0))
}

// measured says whether anything but requests is counted.
func (r *Reservation) measured() bool {
	for i := range r.holds {
		if r.holds[i].counts() != Requests {
			return true
		}
	}
	return false
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
		if w := l.unmarked(a, h, now); more > 0 {
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
// needed now. Only windows can fail, so they go first.
func (l *Ledger) raise(r *Reservation, to, used amounts) error {
	for i := range r.holds {
		h := &r.holds[i]
		more := h.of(to) - h.amount
		if h.tally != nil || more <= 0 {
			continue
		}
		w, err := l.rates.add(h.key, more)
		if err != nil {
			return err
		}
		if w.id != h.window {
			h.window, h.counted = w.id, 0
		}
		h.counted += more
		h.amount += more
	}
	for i := range r.holds {
		h := &r.holds[i]
		if more := h.of(to) - h.amount; h.tally != nil && more > 0 {
			h.tally.held += more
			h.amount += more
		}
		h.lead(h.of(used))
	}
	r.measure()
	return nil
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
