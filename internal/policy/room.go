package policy

import (
	"math"
	"sort"
)

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
	r.assume()
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

// assume settles on the output of a request that asks for none: all that its
// model may give where there is plenty. As it is asked again, it may be less.
func (r *Reservation) assume() {
	n := &r.need
	if n.ample == 0 || !n.whole {
		return
	}
	n.perChoice, n.unbounded = assumedOutput, true
	all := n.amounts(n.with(n.choices * n.ample))
	for i := range r.holds {
		if h := &r.holds[i]; h.of(all) > h.now()/plenty && h.counts().metered() {
			return
		}
	}
	n.perChoice, n.unbounded = n.ample, false
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
// the usage that is certain and those to hold. Only what is certain is waited
// for: what streams that wait had ahead would be wasted by a kill.
func (r *Reservation) begin(output int64) (used, to amounts) {
	n := &r.need
	r.outputCap = 0
	switch {
	case n.grows():
		used := n.with(min(n.choices, output))
		r.covered = r.ahead(used, min(worthwhile, output-used.OutputTokens), (*hold).durable)
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
		if r.holds[i].counts().metered() {
			return true
		}
	}
	return false
}

// largest is the largest n from 0 to most for which ok holds, -1 for none. What
// does not hold for n must not hold for more.
func largest(most int64, ok func(n int64) bool) int64 {
	if ok(most) {
		return most
	}
	most = min(most, math.MaxInt32) // what an int holds everywhere
	return int64(sort.Search(int(most), func(i int) bool { return !ok(int64(i)) })) - 1
}
