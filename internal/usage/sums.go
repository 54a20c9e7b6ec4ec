package usage

import (
	"slices"
	"time"
)

// Sums are the numbers of some hours together. Money is in nano-dollars.
type Sums struct {
	Requests         int64   `json:"requests"` // that reached a provider
	InputTokens      int64   `json:"input_tokens"`
	CachedTokens     int64   `json:"cached_tokens"`      // part of InputTokens
	CacheWriteTokens int64   `json:"cache_write_tokens"` // part of InputTokens
	OutputTokens     int64   `json:"output_tokens"`
	Cost             int64   `json:"cost_nano_dollars"`
	Denied           int64   `json:"denied"` // refused by the gateway
	Errors           int64   `json:"errors"` // of Requests: without a whole and good answer
	Latency          Latency `json:"latency"`

	rules []ruleCount // of Denied
}

// Latency is how long requests took, from their first byte to their last.
type Latency struct {
	Count   int64          `json:"count"`
	SumMS   int64          `json:"sum_ms"`
	MaxMS   int64          `json:"max_ms"`
	Buckets [Buckets]int64 `json:"buckets"` // requests by BucketBounds; the last is of those above all
}

// Buckets is how many buckets a Latency has.
const Buckets = 11

// BucketBounds are the upper bounds, included, of all buckets but the last.
func BucketBounds() [Buckets - 1]time.Duration {
	const ms, s = time.Millisecond, time.Second
	return [...]time.Duration{50 * ms, 100 * ms, 250 * ms, 500 * ms, s, 2500 * ms, 5 * s, 10 * s, 30 * s, 60 * s}
}

// MeanMS is the mean in milliseconds, 0 for none.
func (l Latency) MeanMS() int64 {
	if l.Count == 0 {
		return 0
	}
	return l.SumMS / l.Count
}

func (l *Latency) observe(d time.Duration) {
	ms := max(d.Milliseconds(), 0)
	l.Count = add(l.Count, 1)
	l.SumMS = add(l.SumMS, ms)
	l.MaxMS = max(l.MaxMS, ms)
	at := Buckets - 1
	for i, bound := range BucketBounds() {
		if d <= bound {
			at = i
			break
		}
	}
	l.Buckets[at] = add(l.Buckets[at], 1)
}

type ruleCount struct {
	rule  string
	count int64
}

// deny counts a denial under its rule, or under Other when there are too many
// rules.
func (s *Sums) deny(rule string, n int64) {
	for i := range s.rules {
		if s.rules[i].rule == rule {
			s.rules[i].count = add(s.rules[i].count, n)
			return
		}
	}
	if len(s.rules) >= maxRules && rule != Other {
		s.deny(Other, n)
		return
	}
	s.rules = append(s.rules, ruleCount{rule, n})
}

// plus adds other's numbers, without its rules.
func (s *Sums) plus(other *Sums) {
	for _, n := range []struct {
		into *int64
		more int64
	}{
		{&s.Requests, other.Requests}, {&s.InputTokens, other.InputTokens}, {&s.CachedTokens, other.CachedTokens},
		{&s.CacheWriteTokens, other.CacheWriteTokens}, {&s.OutputTokens, other.OutputTokens}, {&s.Cost, other.Cost},
		{&s.Denied, other.Denied}, {&s.Errors, other.Errors},
		{&s.Latency.Count, other.Latency.Count}, {&s.Latency.SumMS, other.Latency.SumMS},
	} {
		*n.into = add(*n.into, n.more)
	}
	s.Latency.MaxMS = max(s.Latency.MaxMS, other.Latency.MaxMS)
	for i, n := range other.Latency.Buckets {
		s.Latency.Buckets[i] = add(s.Latency.Buckets[i], n)
	}
}

// copy is s without memory shared with it.
func (s *Sums) copy() Sums {
	c := *s
	c.rules = slices.Clone(s.rules)
	return c
}

// most is as far as any sum goes.
const most = 1 << 61

// add adds a count to a sum that stops at most: a provider's numbers are not
// to be trusted. Negative counts are taken as none.
func add(sum, n int64) int64 {
	if n <= 0 {
		return sum
	}
	return min(sum+min(n, most), most)
}
