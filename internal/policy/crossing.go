package policy

import "time"

// Crossing is a limit that has been used up to a part.
type Crossing struct {
	PermissionID string
	Limit        LimitState
	Percent      int // 80 or 100
}

// crossings are the parts that are told, in percent.
var crossings = [...]int{80, 100}

// told is what has been told of a limit in a period.
type told struct {
	Percent int   `json:"percent"`
	Cap     int64 `json:"cap"` // when it was told
}

// part is how much of the cap is settled, as one of crossings, or 0.
func part(settled, limit int64) int {
	switch {
	case settled >= limit:
		return 100
	case settled >= limit-limit/5:
		return 80
	}
	return 0
}

// notice takes note of the parts of limits that are used now. A limit of which
// less than a twentieth is left is used up when a request finds too little in
// it: the last crumbs may never be spent. The lock is held.
func (l *Ledger) notice(r *Reservation, denied *Denied) {
	if l.watch == nil {
		return
	}
	for i := range r.holds {
		h := &r.holds[i]
		if h.tally == nil || h.cap == most || h.tally != h.counter.current {
			continue
		}
		t := h.tally
		reached := part(t.settled, h.cap)
		if denied != nil && denied.Code == h.counts().spent() && denied.Rule == h.rule() && t.settled >= h.cap-h.cap/20 {
			reached = 100
		}
		if h.cap > t.told.Cap { // new, or raised past what was told
			t.told.Percent = min(t.told.Percent, part(t.settled, h.cap))
		}
		t.told.Cap = h.cap
		for _, percent := range crossings {
			if percent <= t.told.Percent || percent > reached {
				continue
			}
			t.told.Percent = percent
			l.crossed = append(l.crossed, Crossing{r.account.id, h.state(l.zone), percent})
		}
	}
}

func (h *hold) state(zone *time.Location) LimitState {
	return LimitState{
		Per: h.limit.Per, Model: h.limit.Model, Unit: h.counts(), Limit: h.cap,
		Used: h.tally.settled, Held: h.tally.held, ResetsAt: h.limit.Per.end(h.tally.span, zone),
	}
}

// unlock frees the lock, and then tells what has been crossed.
func (l *Ledger) unlock() {
	crossed := l.crossed
	l.crossed = nil
	l.mu.Unlock()
	for _, c := range crossed {
		l.watch(c)
	}
}
