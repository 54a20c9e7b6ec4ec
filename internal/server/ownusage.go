package server

import (
	"errors"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/usage"
)

const (
	ownDays     = 30          // how far back an app sees, today included
	ownFresh    = time.Minute // how old the numbers of those days may be
	maxOwnKnown = 1024        // apps whose numbers are remembered
)

// ownUsage is what an app used, in days of the owner's zone.
type ownUsage struct {
	Today  ownSums    `json:"today"`
	Last30 ownSums    `json:"last_30_days"` // up to a minute old
	Models []ownModel `json:"models"`       // of those 30 days, the dearest first
}

type ownModel struct {
	Model string `json:"model"`
	ownSums
}

// ownSums leave out how the gateway fared: that is for its owner.
type ownSums struct {
	Requests         int64 `json:"requests"`
	InputTokens      int64 `json:"input_tokens"`
	CachedTokens     int64 `json:"cached_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	Cost             int64 `json:"cost_nano_dollars"`
	Denied           int64 `json:"denied"`
	Errors           int64 `json:"errors"`
}

func ownSumsOf(s usage.Sums) ownSums {
	return ownSums{
		s.Requests, s.InputTokens, s.CachedTokens, s.CacheWriteTokens, s.OutputTokens, s.Cost, s.Denied, s.Errors,
	}
}

// ownHistory looks up what apps used. A month is many records, so it is read
// for one app at a time and remembered for a while: an app that asks again and
// again must not keep the gateway busy.
type ownHistory struct {
	usage *usage.History
	zone  *time.Location
	clock func() time.Time

	mu    sync.Mutex // held while a month is read
	known map[string]ownMonth
}

type ownMonth struct {
	read   time.Time
	sums   ownSums
	models []ownModel
}

func (h *ownHistory) of(app string) (ownUsage, error) {
	month, err := h.month(app)
	if err != nil {
		return ownUsage{}, err
	}
	today, err := h.usage.Query(usage.Query{App: app, Since: h.midnight(0)})
	if err != nil {
		return ownUsage{}, err
	}
	out := ownUsage{Last30: month.sums, Models: month.models}
	if len(today) > 0 {
		out.Today = ownSumsOf(today[0].Sums)
	}
	return out, nil
}

func (h *ownHistory) month(app string) (ownMonth, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	if known, ok := h.known[app]; ok && now.Sub(known.read) < ownFresh && !now.Before(known.read) {
		return known, nil
	}
	since := h.midnight(ownDays - 1)
	all, err := h.usage.Query(usage.Query{App: app, Since: since})
	models, modelsErr := h.usage.Query(usage.Query{By: usage.ByModel, App: app, Since: since})
	if err := errors.Join(err, modelsErr); err != nil {
		return ownMonth{}, err
	}
	month := ownMonth{read: now, models: []ownModel{}}
	if len(all) > 0 {
		month.sums = ownSumsOf(all[0].Sums)
	}
	for _, m := range models {
		month.models = append(month.models, ownModel{m.Key, ownSumsOf(m.Sums)})
	}
	if len(h.known) >= maxOwnKnown {
		clear(h.known)
	}
	h.known[app] = month
	return month, nil
}

// midnight is when the day began that many days ago.
func (h *ownHistory) midnight(daysAgo int) time.Time {
	local := h.clock().In(h.zone)
	return time.Date(local.Year(), local.Month(), local.Day()-daysAgo, 0, 0, 0, 0, h.zone)
}
