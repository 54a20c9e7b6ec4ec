package policy

import "time"

// marksAhead is how far the mark on disk runs ahead: an app that goes on costs
// a write in the background for each half of it.
const marksAhead = 10 * time.Minute

// minutes is what must outlive the process of an account's minute windows,
// which live in memory. A mark on disk says until when windows may be under
// way. Whoever finds one that has not passed was started after a kill, and
// takes every window as spent for a minute. A ledger that is closed leaves
// exact counts and no mark.
type minutes struct {
	marked     time.Time // on disk
	planned    time.Time // being written; zero is none
	spentUntil time.Time // after a kill
	used       map[rated]bool
	keys       map[rated]string
}

// rated is what a minute window counts.
type rated struct {
	unit  Unit
	model string
}

// afterKill takes note of a mark that was found at the start.
func (m *minutes) afterKill(mark, now time.Time) {
	m.marked = mark
	if !mark.IsZero() && now.Before(mark.Add(time.Minute)) {
		m.spentUntil = now.Add(time.Minute)
	}
}

// spent says whether windows count as spent. A clock that is set back must not
// make anybody wait for longer than a minute.
func (m *minutes) spent(now time.Time) bool {
	if m.spentUntil.Sub(now) > time.Minute {
		m.spentUntil = now.Add(time.Minute)
	}
	return now.Before(m.spentUntil)
}

// key names the windows of one unit of one limit of a permission.
func (m *minutes) key(id string, u Unit, l Limit) string {
	r := rated{u, countedModel(l.Model)}
	key, found := m.keys[r]
	if !found {
		key = rateKey(id, r)
		if m.keys == nil {
			m.keys = map[rated]string{}
		}
		m.keys[r] = key
	}
	return key
}

// count takes note of a window that is used.
func (m *minutes) count(u Unit, model string) {
	if m.used == nil {
		m.used = map[rated]bool{}
	}
	m.used[rated{u, model}] = true
}

// plan is the mark to write.
func (m *minutes) plan(now time.Time) time.Time {
	m.planned = m.marked
	if len(m.used) > 0 {
		m.planned = now.Add(marksAhead).UTC()
	}
	return m.planned
}

// settle takes note of how writing went.
func (m *minutes) settle(err error) {
	if err == nil {
		m.marked = m.planned
	}
	m.planned = time.Time{}
}

// unmarked returns what to wait for before a window may be used: nothing, as
// long as the mark is ahead.
func (l *Ledger) unmarked(a *account, h *hold, now time.Time) *round {
	a.minutes.count(h.counts(), countedModel(h.limit.Model))
	left := a.minutes.marked.Sub(now)
	switch {
	case left <= 0 && l.writer.now != nil && a.minutes.planned.After(now):
		return l.writer.now
	case left <= 0:
		return l.write(a)
	case left < marksAhead/2 && a.minutes.planned.IsZero():
		l.write(a)
	}
	return nil
}

// window is the minute under way that counts under a key.
func (l *Ledger) window(a *account, key string, limit int64, now time.Time) (window, error) {
	w, err := l.rates.look(key)
	if err == nil && a.minutes.spent(now) {
		w.used, w.ends = max(w.used, limit), a.minutes.spentUntil
	}
	return w, err
}

// lastWindows are the records of the windows under way, in the place of the
// mark. The spans are the seconds since 1970 in which they end.
func (l *Ledger) lastWindows(a *account, now time.Time) ([]counterRecord, error) {
	if a.minutes.spent(now) {
		return nil, nil // the mark stays
	}
	var all []counterRecord
	for r := range a.minutes.used {
		w, err := l.rates.look(rateKey(a.id, r))
		if err != nil {
			return nil, err
		}
		if w.used > 0 {
			all = append(all, counterRecord{counterKey: counterKey{Minute, r.unit, r.model}, Span: span(w.ends.Unix()), Ceiling: w.used})
		}
	}
	a.minutes.marked, a.minutes.used = time.Time{}, nil
	return all, nil
}

// resume goes on with the windows that a closed ledger has left.
func (l *Ledger) resume(a *account) error {
	for _, r := range a.left {
		a.minutes.count(r.Unit, r.Model)
		if time.Until(time.Unix(int64(r.Span), 0)) <= 0 {
			continue
		}
		if _, err := l.rates.add(rateKey(a.id, rated{r.Unit, r.Model}), r.Ceiling); err != nil {
			return err
		}
	}
	a.left = nil
	return nil
}
