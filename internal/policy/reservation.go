package policy

// Reservation is one request's share, held until it is settled or released.
// The first call of either wins; the rest do nothing. One that is never ended
// stays held, and counts as used after a restart.
type Reservation struct {
	ledger  *Ledger
	account *account
	holds   []hold
	ended   bool
}

// hold is an amount in one place: a window (key, window) or a tally. It stays
// with the period it was taken in, even when that has passed.
type hold struct {
	unit    Unit
	amount  int64
	key     string
	window  int64
	counter *counter
	tally   *tally
}

func (h hold) none() int64 { return 0 }

// OutputCap is the output cap, in tokens for each choice, that must be written
// into the request; 0 is none. It is never above what the document allows, and
// takes the place of a [Decision]'s.
func (r *Reservation) OutputCap() int64 { return 0 }

// Held is the usage that the holds cover: what to settle by when the provider
// may have done all it was asked and has reported nothing.
func (r *Reservation) Held() Usage { return Usage{} }

// Settle replaces what was held by what was used.
func (r *Reservation) Settle(u Usage) {
	r.end(func() {
		r.correct(func(h hold) int64 { return h.unit.actual(u, nil) })
		r.account.totals.add(u, nil, false)
		r.ledger.writeLater(r.account)
	})
}

// Release gives everything back: nothing reached the provider.
func (r *Reservation) Release() {
	r.end(func() { r.correct(hold.none) })
}

func (r *Reservation) end(how func()) {
	l := r.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ended {
		return
	}
	r.ended = true
	r.account.running--
	how()
	l.keepAhead(r)
}

// correct replaces each hold by what it really was.
func (r *Reservation) correct(used func(hold) int64) {
	for _, h := range r.holds {
		if h.tally != nil {
			h.tally.held -= h.amount
			h.tally.settled = saturate(h.tally.settled, used(h))
			continue
		}
		if err := r.ledger.rates.adjust(h.key, h.window, used(h)-h.amount); err != nil {
			r.ledger.log.Warn("giving back a rate failed; the window stays counted", "error", err)
		}
	}
}
