package policy

import "time"

// hold is what a reservation counts of one unit in one place: a tally, or the
// minutes of a window. In a tally it stays with the period it was taken in, even
// when that has passed; in minutes, what is added counts in that of the moment.
type hold struct {
	*quota
	cap    int64 // of the document in force; most when that has no such limit
	waived bool  // a repeated request is not counted again
	tally  *tally
	used   int64 // of the minute under way, when last looked at

	amount  int64 // held in all
	asked   int64 // more, when last waiting for the disk
	slack   int64 // the part that was ahead of the usage when last grown
	minute  int64 // the end of the one that was last counted in
	counted int64 // in that minute
}

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
		return h.cap - h.used
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

// holds adds what a request counts in under a document, nothing of it taken.
func (l *Ledger) holds(to []hold, a *account, d *Document, n *need, now time.Time) ([]hold, error) {
	all, err := a.quotas(d.Limits)
	if err != nil {
		return nil, err
	}
	today, counted := dateOf(now, l.zone), false
	for i := range all {
		q := &all[i]
		if i == 0 || q.limit != all[i-1].limit {
			counted = n.req.countedBy(q.limit)
		}
		if !counted || n.unsized && q.counts().metered() {
			continue
		}
		q.find(a, d.Limits, today)
		h := hold{quota: q, cap: q.cap}
		switch {
		case q.counter != nil:
			h.tally = q.counter.at(today)
			h.waived = n.req.Retry && !q.counts().metered()
		default:
			h.used, _ = a.minutes.look(q.window, q.cap, now)
		}
		to = merge(to, h)
	}
	return to, nil
}

// merge adds a hold, or, where one counts in the same place, keeps that with
// the smaller cap.
func merge(all []hold, h hold) []hold {
	same := find(all, h.place)
	switch {
	case same == nil:
		return append(all, h)
	case h.cap < same.cap:
		*same = h
	}
	return all
}

func find(holds []hold, at place) *hold {
	for i := range holds {
		if holds[i].place == at {
			return &holds[i]
		}
	}
	return nil
}

// lead takes note of how far the hold is ahead of its usage.
func (h *hold) lead(used int64) {
	slack := max(h.amount-used, 0)
	if h.tally != nil {
		h.tally.slack += slack - h.slack
	}
	h.slack = slack
}
