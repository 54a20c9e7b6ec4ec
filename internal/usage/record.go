package usage

import (
	"strings"
	"time"
)

// Other stands for all that a bound leaves no room for.
const Other = "other"

// Bounds on what clients can make the history remember. Beyond them counts go
// to Other: of nothing is the sum wrong.
const (
	maxModelBytes = 64     // of a model's name
	maxRuleBytes  = 48     // of a rule
	maxRules      = 32     // in one hour of one series
	maxHourly     = 64     // models of one app in one hour
	maxStrange    = 64     // hours of models of one app and day that are known from refused or failed requests only
	maxCells      = 50_000 // hours of series in one day, all apps together
)

// Request is one request that has ended, or was denied.
type Request struct {
	App      string // id; empty for one that nobody could be found for
	Resource string
	Model    string // as the client named it; empty for none
	// Rule is what denied it, in the gateway's own words; empty when it
	// reached a provider.
	Rule string
	// Failed says that a provider was reached and gave no whole, good answer.
	Failed  bool
	Latency time.Duration

	InputTokens, CachedTokens, CacheWriteTokens, OutputTokens int64

	Cost int64 // nano-dollars
}

// Record remembers a request in the present hour. It never waits for a disk,
// but for the first request of a day that is in the store already.
func (h *History) Record(r Request) {
	now := h.clock().UTC()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	t := h.table(now)
	t.record(r, uint8(now.Hour()))
	t.dirty = true
	h.writeLater(len(t.cells))
}

func (t *table) record(r Request, hour uint8) {
	strange := r.Rule != "" || r.Failed
	s := t.cell(series{r.App, r.Resource, clip(r.Model, maxModelBytes)}, hour, strange)
	if r.Rule != "" {
		s.Denied = add(s.Denied, 1)
		s.deny(RuleName(r.Rule), 1)
		return
	}
	s.Requests = add(s.Requests, 1)
	s.InputTokens = add(s.InputTokens, r.InputTokens)
	s.CachedTokens = add(s.CachedTokens, r.CachedTokens)
	s.CacheWriteTokens = add(s.CacheWriteTokens, r.CacheWriteTokens)
	s.OutputTokens = add(s.OutputTokens, r.OutputTokens)
	s.Cost = add(s.Cost, r.Cost)
	if r.Failed {
		s.Errors = add(s.Errors, 1)
	}
	s.Latency.observe(r.Latency)
}

// RuleName is a rule as it is counted, without the number of a limit:
// limits[3].requests is limits.requests.
func RuleName(rule string) string {
	if before, rest, found := strings.Cut(rule, "["); found {
		_, after, _ := strings.Cut(rest, "]")
		rule = before + after
	}
	return clip(rule, maxRuleBytes)
}

// clip bounds a text that may come from a client.
func clip(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
