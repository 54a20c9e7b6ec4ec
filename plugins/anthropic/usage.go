package anthropic

import (
	"github.com/keywicket/keywicket/plugins"
)

// usage is Anthropic's: three counts of input, none inside another.
type usage struct {
	InputTokens              *int64 `json:"input_tokens"`
	CacheReadInputTokens     int64  `json:"cache_read_input_tokens"`
	CacheCreationInputTokens int64  `json:"cache_creation_input_tokens"`
	CacheCreation            *struct {
		FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
		OneHour     int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	OutputTokens *int64 `json:"output_tokens"`
	// Iterations are the runs of the model, of which some are not in the counts
	// above: those that compact a context.
	Iterations []struct {
		Type string `json:"type"`
		usage
	} `json:"iterations"`
}

// counts are what has been reported, each the largest so far: a stream reports
// the totals again and again, and not all of them each time.
//
// In [plugins.Usage] the input is the sum of the three counts. Tokens written to
// the one-hour cache cost twice the price of input, where the five-minute cache
// costs 1.25 times that, which is the only price there is for writing. They are
// therefore counted 1.6 times, as input and as written, rounded up: their cost
// is right, and a limit on tokens counts them as more than they are, never less.
type counts struct {
	input, cached, written, hour, output int64
	split                                bool // hour has been reported
}

const maxCount = 1 << 40 // above any true count, and sums stay in range

func (c *counts) read(u *usage) bool {
	if u.InputTokens == nil && u.OutputTokens == nil {
		return false
	}
	sum := countsOf(u)
	for _, i := range u.Iterations {
		if i.Type == "compaction" {
			sum = sum.plus(countsOf(&i.usage))
		}
	}
	c.input = max(c.input, sum.input)
	c.cached = max(c.cached, sum.cached)
	c.written = max(c.written, sum.written)
	c.hour = max(c.hour, sum.hour)
	c.output = max(c.output, sum.output)
	c.split = c.split || sum.split
	return true
}

func countsOf(u *usage) counts {
	c := counts{cached: bounded(u.CacheReadInputTokens), written: bounded(u.CacheCreationInputTokens)}
	if u.InputTokens != nil {
		c.input = bounded(*u.InputTokens)
	}
	if u.OutputTokens != nil {
		c.output = bounded(*u.OutputTokens)
	}
	if u.CacheCreation != nil {
		c.split = true
		c.hour = bounded(u.CacheCreation.OneHour)
		c.written = max(c.written, c.hour+bounded(u.CacheCreation.FiveMinutes))
	}
	return c
}

func (c counts) plus(d counts) counts {
	return counts{
		input: c.input + d.input, cached: c.cached + d.cached, written: c.written + d.written,
		hour: c.hour + d.hour, output: c.output + d.output, split: c.split || d.split,
	}
}

// total is the report in the gateway's terms. Where the provider does not say
// how long what was written lives, and the request asked for an hour, it was an
// hour.
func (c counts) total(asked bool) plugins.Usage {
	hour := c.hour
	if asked && !c.split {
		hour = c.written
	}
	more := dearer(hour)
	return plugins.Usage{
		InputTokens:      c.input + c.cached + c.written + more,
		CachedTokens:     c.cached,
		CacheWriteTokens: c.written + more,
		OutputTokens:     c.output,
	}
}

func bounded(n int64) int64 { return min(max(n, 0), maxCount) }
