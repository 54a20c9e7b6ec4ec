package gemini

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// usage is Google's: tokens from the cache are inside the prompt's, what tools
// add to the prompt and what the model thinks are beside the others.
type usage struct {
	Prompt     *int64 `json:"promptTokenCount"`
	Cached     int64  `json:"cachedContentTokenCount"`
	ToolUse    int64  `json:"toolUsePromptTokenCount"`
	Candidates int64  `json:"candidatesTokenCount"`
	Thoughts   int64  `json:"thoughtsTokenCount"`
	Total      *int64 `json:"totalTokenCount"`
}

const maxCount = 1 << 40 // above any true count, and sums stay in range

// readUsage reads usageMetadata. What the total has beyond its parts counts as
// output, the dearest of them: Google has left thoughts out before.
func readUsage(value jsontext.Value) (plugins.Usage, bool) {
	var u usage
	if !plugins.Lenient(value, &u) || u.Prompt == nil && u.Total == nil {
		return plugins.Usage{}, false
	}
	input := bounded(u.ToolUse)
	if u.Prompt != nil {
		input += bounded(*u.Prompt)
	}
	output := bounded(u.Candidates) + bounded(u.Thoughts)
	if u.Prompt != nil && u.Total != nil {
		output = max(output, bounded(*u.Total)-input)
	}
	return plugins.Usage{InputTokens: input, CachedTokens: min(bounded(u.Cached), input), OutputTokens: output}, true
}

// largest is the field-wise maximum: a stream reports the totals so far, again
// and again, and not all of them each time.
func largest(a, b plugins.Usage) plugins.Usage {
	return plugins.Usage{
		InputTokens:  max(a.InputTokens, b.InputTokens),
		CachedTokens: max(a.CachedTokens, b.CachedTokens),
		OutputTokens: max(a.OutputTokens, b.OutputTokens),
	}
}

func bounded(n int64) int64 { return min(max(n, 0), maxCount) }
