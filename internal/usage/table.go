package usage

import (
	"strings"
	"time"
)

// series is what is counted apart.
type series struct{ app, resource, model string }

// cellKey is one hour of a series.
type cellKey struct {
	series
	hour uint8 // 0 to 23, UTC
}

// table is one UTC day.
type table struct {
	day     string // 2026-11-21
	cells   map[cellKey]*Sums
	hourly  map[appHour]int // cells of an app in an hour
	strange map[string]int  // cells of an app that a refused or failed request made
	dirty   bool            // newer than in the store
	lost    bool            // what the store has of this day cannot be read, and is left alone
}

type appHour struct {
	app  string
	hour uint8
}

func newTable(day string) *table {
	return &table{day: day, cells: map[cellKey]*Sums{}, hourly: map[appHour]int{}, strange: map[string]int{}}
}

// table finds or makes the day of now. The lock is held.
func (h *History) table(now time.Time) *table {
	day := dayOf(now)
	t := h.live[day]
	if t == nil {
		t = h.reload(now.Format(time.DateOnly))
		h.live[day] = t
	}
	return t
}

// dayOf numbers the days of UTC.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// cell finds or makes the hour of a series, within the bounds.
func (t *table) cell(s series, hour uint8, strange bool) *Sums {
	if found := t.cells[cellKey{s, hour}]; found != nil {
		return found
	}
	if s.model != Other && (t.hourly[appHour{s.app, hour}] >= maxHourly || strange && t.strange[s.app] >= maxStrange) {
		s.model = Other
		return t.cell(s, hour, strange)
	}
	if nobody := (series{app: Other}); len(t.cells) >= maxCells && s != nobody {
		return t.cell(nobody, hour, strange)
	}
	made := &Sums{}
	// Memory of its own: a client's text may be part of a large body.
	t.put(cellKey{series{strings.Clone(s.app), strings.Clone(s.resource), strings.Clone(s.model)}, hour}, made)
	if strange {
		t.strange[s.app]++
	}
	return made
}

// put adds a cell that is not there yet.
func (t *table) put(k cellKey, s *Sums) {
	t.cells[k] = s
	t.hourly[appHour{k.app, k.hour}]++
}
