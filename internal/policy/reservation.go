package policy

import (
	"math"
	"sync/atomic"
)

// Reservation is one request's share, held until it is settled or released.
// The first call of either wins; the rest do nothing. One that is never ended
// stays held, and counts as used after a restart. Its methods are safe for
// concurrent use.
type Reservation struct {
	ledger    *Ledger
	account   *account
	need      need
	outputCap int64

	first   [10]hold // memory for as many
	holds   []hold
	covered Usage  // by the holds
	waits   []hold // what has no room on disk yet
	leaving bool   // was told to end
	alone   bool   // no other of its kind may run
	ended   bool

	// enough is what may be used of each unit without asking the ledger: a
	// copy for those who do not hold its lock.
	enough [len(units)]atomic.Int64
}

// OutputCap is the output cap, in tokens for each choice, that must be written
// into the request; 0 is none. It is never above what the document allows, and
// takes the place of a [Decision]'s.
func (r *Reservation) OutputCap() int64 { return r.outputCap }

// Held is the usage that the holds cover: what to settle by when the provider
// may have done all it was asked and has reported nothing. Where no limit
// counts tokens or dollars it is the estimate of the input alone.
func (r *Reservation) Held() Usage {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	if !r.measured() {
		return Usage{InputTokens: min(max(r.need.req.InputTokens, 0), mostTokens)}
	}
	return r.covered
}

// Settle replaces what was held by what was used. It waits for the disk only
// where a request used more than it held, and more than stands ahead there.
func (r *Reservation) Settle(u Usage) {
	used := r.need.amounts(u)
	r.end(used, used, &u)
}

// Release gives everything back: nothing reached the provider, or it did
// nothing. Minute windows go on counting the request: a rate counts attempts.
func (r *Reservation) Release() {
	var attempt amounts
	for i, unit := range units {
		attempt[i] = unit.attempt(&r.need.req)
	}
	r.end(amounts{}, attempt, nil)
}

// end replaces what was held by amounts: one for periods, one for minutes. What
// is settled is added to the totals; nil is nothing.
func (r *Reservation) end(periods, minutes amounts, settled *Usage) {
	l := r.ledger
	l.mu.Lock()
	defer l.unlock()
	if r.ended {
		return
	}
	r.ended = true
	r.account.running--
	if r.need.grows() {
		r.account.growing--
	}
	if r.alone {
		r.account.unseen--
	}
	r.leave(false)
	r.correct(periods, minutes)
	if settled != nil {
		r.account.totals.add(*settled, r.need.req.Rate, r.need.req.Retry)
		l.writer.unsaved.add(r.account)
	}
	if l.closed {
		return
	}
	l.notice(r, nil)
	l.keepAhead(r)
	if wait := l.exposed(r); wait != nil {
		_ = l.await(wait, nil) // it has been logged; there is nobody to refuse
	}
}

// leave takes note of whether the request was told to end.
func (r *Reservation) leave(told bool) {
	switch {
	case told && !r.leaving:
		r.account.leaving++
	case !told && r.leaving:
		r.account.leaving--
	}
	r.leaving = told
}

// correct replaces each hold by what it really was.
func (r *Reservation) correct(periods, minutes amounts) {
	now := r.ledger.clock()
	for i := range r.holds {
		h := &r.holds[i]
		if h.tally == nil {
			h.window.correct(h, h.of(minutes)-h.amount, now)
			continue
		}
		h.lead(h.amount)
		h.tally.held -= h.amount
		h.tally.settled = saturate(h.tally.settled, h.of(periods))
	}
}

// unseen says that the provider adds input that is counted and not seen. What is
// held of it is the model's context, once: a provider that runs tools reads the
// conversation again in every turn.
func (r *Reservation) unseen() bool { return r.need.req.InputUnknown && r.measured() }

// measure writes down what the holds are enough for.
func (r *Reservation) measure() {
	var least amounts
	for i := range least {
		least[i] = math.MaxInt64
	}
	for i := range r.holds {
		if h := &r.holds[i]; !h.waived {
			least[h.unit] = min(least[h.unit], h.amount)
		}
	}
	for i, n := range least {
		r.enough[i].Store(n)
	}
}

// suffice says whether the holds cover a usage.
func (r *Reservation) suffice(u Usage) bool {
	for i, unit := range units {
		enough := r.enough[i].Load()
		if enough != math.MaxInt64 && unit.actual(u, &r.need.req) > enough {
			return false
		}
	}
	return true
}

// exposed returns the write that brings the ceilings up to what was settled
// beyond them, nil when they stand above it.
func (l *Ledger) exposed(r *Reservation) *round {
	for i := range r.holds {
		h := &r.holds[i]
		if h.tally != nil && h.counter.lasts(h.tally) && h.tally.used() > h.tally.ceiling {
			return l.write(r.account)
		}
	}
	return nil
}
