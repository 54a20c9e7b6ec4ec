package policy

import (
	"fmt"
	"time"
)

// hold is what a reservation counts of one unit in one place: a tally, or the
// minute windows of a key. In a tally it stays with the period it was taken
// in, even when that has passed; in windows, what is added counts in the
// window of the moment.
type hold struct {
	place
	unit   int   // in units
	cap    int64 // of the document in force; most when that has no such limit
	index  int   // of the limit in that document
	limit  Limit
	waived bool // a repeated request is not counted again

	amount  int64 // held in all
	asked   int64 // more, when last waiting for the disk
	slack   int64 // the part that was ahead of the usage when last grown
	window  int64 // the last that was counted in
	counted int64 // in that window
}

// place is where amounts are counted: a tally of a counter, else the windows of
// a key.
type place struct {
	key     string
	counter *counter
	tally   *tally
	used    int64 // of the window under way, when last looked at
}

func (p *place) same(other *place) bool { return p.key == other.key && p.counter == other.counter }

func (h *hold) counts() Unit { return units[h.unit] }

// of is what the hold must count when the request takes these amounts.
func (h *hold) of(a amounts) int64 {
	if h.waived {
		return 0
	}
	return a[h.unit]
}

// free is what nobody has taken. Past the cap it is negative.
func (h *hold) free() int64 {
	if h.tally == nil {
		return h.cap - h.place.used
	}
	return h.cap - h.tally.used()
}

// now is as far as the hold may go now; at best, if all others gave back what
// they hold.
func (h *hold) now() int64 { return h.amount + h.free() }

func (h *hold) best() int64 {
	if h.tally == nil {
		return h.cap + h.amount // a window on its own
	}
	return h.cap - h.tally.settled
}

// share is how far ahead of its usage a hold may be when so many requests run:
// what all of them have ahead together stays below a 64th of the cap.
func (h *hold) share(running int) int64 {
	share := h.cap / int64(64*max(running, 1))
	if h.tally != nil {
		share = min(share, h.cap/64-(h.tally.slack-h.slack))
	}
	return max(share, 0)
}

// holds lists what a request counts in under a document, nothing of it taken.
func (l *Ledger) holds(a *account, d Document, req Request, now time.Time) ([]hold, error) {
	all := make([]hold, 0, d.caps())
	for i, limit := range d.Limits {
		if !limit.Per.known() {
			return nil, limit.validate(fmt.Sprintf("limits[%d]", i))
		}
		if !req.countedBy(limit) {
			continue
		}
		for u, unit := range units {
			most := unit.cap(limit)
			if most == 0 {
				continue
			}
			at, err := l.place(a, d, limit, unit, now)
			if err != nil {
				return nil, err
			}
			h := hold{place: at, unit: u, cap: most, index: i, limit: limit}
			h.waived = !unit.metered() && req.Retry && limit.Per != Minute
			all = merge(all, h)
		}
	}
	return all, nil
}

// caps is how many amounts the limits cap.
func (d Document) caps() int {
	n := 0
	for _, limit := range d.Limits {
		for _, unit := range units {
			if unit.cap(limit) != 0 {
				n++
			}
		}
	}
	return n
}

// merge adds a hold, or, where one counts in the same place, keeps that with
// the smaller cap.
func merge(all []hold, h hold) []hold {
	for i := range all {
		if all[i].same(&h.place) {
			if h.cap < all[i].cap {
				all[i] = h
			}
			return all
		}
	}
	return append(all, h)
}

// place finds where a unit of a limit is counted.
func (l *Ledger) place(a *account, d Document, limit Limit, u Unit, now time.Time) (place, error) {
	if limit.Per == Minute {
		p := place{key: a.minutes.key(a.id, u, limit)}
		w, err := l.window(a, p.key, u.cap(limit), now)
		p.used = w.used
		return p, err
	}
	c := a.counter(d, limit, u, now, l.zone)
	return place{counter: c, tally: c.at(now, l.zone)}, nil
}

// words says the hold's limit: "50 requests a day to gpt-4o".
func (h *hold) words() string { return h.limit.sentence(h.counts()) }

// lead takes note of how far the hold is ahead of its usage.
func (h *hold) lead(used int64) {
	slack := max(h.amount-used, 0)
	if h.tally != nil {
		h.tally.slack += slack - h.slack
	}
	h.slack = slack
}
