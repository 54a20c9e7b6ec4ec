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
	used       bool      // a window has been counted in: there must be a mark
	windows    map[rated]*window
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

// window finds or makes the window for what is counted in it.
func (m *minutes) window(r rated) *window {
	w, found := m.windows[r]
	if !found {
		if m.windows == nil {
			m.windows = map[rated]*window{}
		}
		w = &window{}
		m.windows[r] = w
	}
	return w
}

// plan is the mark to write.
func (m *minutes) plan(now time.Time) time.Time {
	m.planned = m.marked
	if m.used {
		m.planned = now.Add(marksAhead).Round(0).UTC() // of the wall clock, as the next process reads it
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
func (l *Ledger) unmarked(a *account, now time.Time) *round {
	a.minutes.used = true
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

// look is what counts as used of a window now, and when it is over.
func (m *minutes) look(w *window, limit int64, now time.Time) (used int64, over time.Time) {
	if w.at(now); m.spent(now) {
		return max(w.used, limit), m.spentUntil
	}
	return w.used, w.over()
}

// last are the records of the windows under way, in the place of the mark. The
// spans are the seconds since 1970 in which they end.
func (m *minutes) last(now time.Time) []counterRecord {
	if m.spent(now) {
		return nil // the mark stays
	}
	var all []counterRecord
	for r, w := range m.windows {
		if w.at(now); w.used > 0 {
			all = append(all, counterRecord{counterKey: counterKey{Minute, r.unit, r.model}, Span: span(w.over().Unix()), Ceiling: w.used})
		}
	}
	m.marked, m.used = time.Time{}, false
	return all
}

// resume goes on with a window that a closed ledger has left.
func (m *minutes) resume(r counterRecord, now time.Time) {
	m.used = true
	if now.Unix() < int64(r.Span) {
		m.window(rated{r.Unit, r.Model}).add(r.Ceiling, now)
	}
}
