package policy

import "github.com/keywicket/keywicket/internal/policy/price"

// Usage is what one request used, as the provider reported it or, where it has
// not, as estimated. Negative counts are taken as zero.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`       // all of the input, cached tokens included
	CachedTokens     int64 `json:"cached_tokens"`      // the part of InputTokens the provider read from its cache
	CacheWriteTokens int64 `json:"cache_write_tokens"` // the part of InputTokens the provider wrote to its cache
	OutputTokens     int64 `json:"output_tokens"`      // all of the output, reasoning included
	// Cost is what the provider itself says the request cost, in nano-dollars;
	// it counts only with CostStated, and then before any price.
	Cost       int64 `json:"cost_nano_dollars,omitzero"`
	CostStated bool  `json:"-"`
}

// cost is in nano-dollars, at most most.
func (u Usage) cost(rate *price.Rate) int64 {
	switch {
	case u.CostStated:
		return saturate(0, u.Cost)
	case rate == nil || rate.Unpriced:
		return 0
	}
	return saturate(0, rate.Cost(price.Tokens{
		Input: u.InputTokens, Cached: u.CachedTokens, CacheWrite: u.CacheWriteTokens, Output: u.OutputTokens,
	}))
}

// Totals are a permission's settled requests, the tokens they used and, as
// Cost, the nano-dollars they took at the provider's word or the prices of the
// time, over its lifetime. They are told, not capped: a crash may lose the
// last seconds of them.
type Totals struct {
	Requests int64 `json:"requests"`
	Usage
}

// add counts one settled request; a repeated one only by what it used.
func (t *Totals) add(u Usage, rate *price.Rate, repeated bool) {
	if !repeated {
		t.Requests = saturate(t.Requests, 1)
	}
	t.InputTokens = saturate(t.InputTokens, u.InputTokens)
	t.CachedTokens = saturate(t.CachedTokens, u.CachedTokens)
	t.CacheWriteTokens = saturate(t.CacheWriteTokens, u.CacheWriteTokens)
	t.OutputTokens = saturate(t.OutputTokens, u.OutputTokens)
	t.Cost = saturate(t.Cost, u.cost(rate))
}

// most is as far as any count goes. Two of them and a cap still add up without
// overflow, which would turn a spent limit into an open one.
const most = 1 << 61

// saturate adds a count to a total that stops at most: a provider's numbers
// are not to be trusted.
func saturate(total, n int64) int64 {
	if n <= 0 {
		return total
	}
	return min(total+min(n, most), most)
}
