package usage

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// MaxRows bounds the rows of one answer, days and hours excepted: the rest is
// in one row for Other.
const MaxRows = 1000

// ErrBy says that there is no such grouping.
var ErrBy = errors.New("no such grouping: say app, model, resource, day, hour or rule")

// By says what makes a row.
type By string

// The groupings.
const (
	ByAll      By = "" // one row
	ByApp      By = "app"
	ByModel    By = "model"
	ByResource By = "resource"
	ByDay      By = "day"  // of the owner's zone
	ByHour     By = "hour" // of the clock: two hours with one name in autumn are two rows
	ByRule     By = "rule" // denials only
)

// Query chooses hours and how to group them. Zero fields choose all.
type Query struct {
	Since    time.Time // from the hour that has it
	Until    time.Time // hours that start before it; default now
	By       By
	App      string // id
	Resource string
}

// Row is one group.
type Row struct {
	// Key is the app's id, the model, the resource, the rule, or the day
	// (2026-11-21); empty where there is none, as for requests without a
	// model.
	Key string `json:"key"`
	// Start is when the day or hour began, in the owner's zone; else zero.
	Start time.Time `json:"start,omitzero"`
	Sums
}

// Query sums up. Days and hours come in their order, everything else with the
// dearest first, then the most used. Errors: ErrBy, and those of the store.
func (h *History) Query(q Query) ([]Row, error) {
	if !slices.Contains([]By{ByAll, ByApp, ByModel, ByResource, ByDay, ByHour, ByRule}, q.By) {
		return nil, ErrBy
	}
	f := h.fold(q)
	live := h.foldLive(f)
	err := h.store.View(func(tx *store.Tx) error {
		index, err := records.Get(tx, indexKey)
		if err != nil {
			return ignoreAbsent(err)
		}
		for day, parts := range index.Days {
			if live[day] || !f.touches(day) {
				continue
			}
			rows, err := readDay(tx, day, parts)
			if err != nil {
				return err
			}
			for i := range rows {
				f.take(day, rows[i].cellKey, &rows[i].Sums)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading usage history: %w", err)
	}
	return f.rows(), nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// foldLive folds the days in memory, and says which those are: they are newer
// than what the store has of them.
func (h *History) foldLive(f *fold) map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	live := map[string]bool{}
	for _, t := range h.live {
		live[t.day] = true
		for k, s := range t.cells {
			f.take(t.day, k, s)
		}
	}
	return live
}

// fold sums cells up into groups.
type fold struct {
	Query
	zone       *time.Location
	first, end string // days of UTC, included
	groups     map[string]*Row
}

func (h *History) fold(q Query) *fold {
	if q.Until.IsZero() {
		q.Until = h.clock().Add(time.Hour)
	}
	q.Since = q.Since.Truncate(time.Hour)
	return &fold{
		Query: q, zone: h.zone, groups: map[string]*Row{},
		first: q.Since.UTC().Format(time.DateOnly), end: q.Until.UTC().Format(time.DateOnly),
	}
}

func (f *fold) touches(day string) bool { return f.first <= day && day <= f.end }

// take adds one cell where it belongs, if it was asked for.
func (f *fold) take(day string, k cellKey, s *Sums) {
	if !f.touches(day) || f.App != "" && k.app != f.App || f.Resource != "" && k.resource != f.Resource {
		return
	}
	midnight, err := time.Parse(time.DateOnly, day)
	start := midnight.Add(time.Duration(k.hour) * time.Hour)
	if err != nil || start.Before(f.Since) || !start.Before(f.Until) {
		return
	}
	switch f.By {
	case ByRule:
		for _, c := range s.rules {
			f.group(c.rule, time.Time{}).Denied = add(f.group(c.rule, time.Time{}).Denied, c.count)
		}
	case ByDay:
		local := start.In(f.zone)
		day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, f.zone)
		f.group(local.Format(time.DateOnly), day).plus(s)
	case ByHour:
		f.group(start.Format(time.RFC3339), start.In(f.zone)).plus(s)
	default:
		f.group(map[By]string{ByApp: k.app, ByModel: k.model, ByResource: k.resource}[f.By], time.Time{}).plus(s)
	}
}

func (f *fold) group(key string, start time.Time) *Row {
	g := f.groups[key]
	if g == nil {
		g = &Row{Key: key, Start: start}
		f.groups[key] = g
	}
	return g
}

func (f *fold) rows() []Row {
	inOrder := f.By == ByDay || f.By == ByHour
	rest := Row{Key: Other}
	var all []Row
	for _, g := range slices.SortedFunc(maps.Values(f.groups), f.compare) {
		if inOrder || len(f.groups) <= MaxRows || len(all) < MaxRows-1 && g.Key != Other {
			all = append(all, *g)
			continue
		}
		rest.plus(&g.Sums)
	}
	if len(all) < len(f.groups) {
		all = append(all, rest)
	}
	return all
}

func (f *fold) compare(a, b *Row) int {
	return cmp.Or(
		a.Start.Compare(b.Start), cmp.Compare(b.Cost, a.Cost), cmp.Compare(b.Requests, a.Requests),
		cmp.Compare(b.Denied, a.Denied), cmp.Compare(a.Key, b.Key),
	)
}
