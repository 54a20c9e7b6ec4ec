package openai

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	// maxCount bounds a reported count, far above any real one, so that sums stay
	// in range.
	maxCount = 1 << 40
	// audioInput is the tokens of a second of audio that is listened to. Providers
	// that report the duration of a recording instead of tokens are counted so.
	audioInput = 10
)

// usage is what providers report, in all the spellings of the API: cached tokens
// are inside the input's, reasoning inside the output's.
type usage struct {
	PromptTokens     *int64 `json:"prompt_tokens"`     // chat, embeddings
	CompletionTokens *int64 `json:"completion_tokens"` // chat
	InputTokens      *int64 `json:"input_tokens"`      // responses, images, audio
	OutputTokens     *int64 `json:"output_tokens"`
	TotalTokens      *int64 `json:"total_tokens"`
}

// besides are Perplexity's: counts beside the others, in no total. They are so
// where searches are counted; elsewhere a count of reasoning is inside another.
type besides struct {
	Reasoning *int64 `json:"reasoning_tokens"`
	Citation  *int64 `json:"citation_tokens"`
	Searches  *int64 `json:"num_search_queries"`
}

// details are the parts of the input that have a price of their own.
type details struct {
	Prompt cached `json:"prompt_tokens_details"`
	Input  cached `json:"input_tokens_details"`
	Hit    int64  `json:"prompt_cache_hit_tokens"` // DeepSeek
}

type cached struct {
	Read    int64 `json:"cached_tokens"`
	Written int64 `json:"cache_write_tokens"`
}

// readUsage reads one usage object; false when it is none.
//
// xAI counts reasoning beside the completion, but in the total: what the total
// has over input and output is output. A recording's duration becomes tokens.
func readUsage(value jsontext.Value) (plugins.Usage, bool) {
	var u usage
	if value.Kind() != '{' || !lenient(value, &u) {
		return plugins.Usage{}, false
	}
	in, out := first(u.PromptTokens, u.InputTokens), first(u.CompletionTokens, u.OutputTokens)
	if in == nil && out == nil {
		return duration(value)
	}
	read := plugins.Usage{InputTokens: clamp(in), OutputTokens: clamp(out)}
	if in != nil && u.TotalTokens != nil {
		read.OutputTokens = max(read.OutputTokens, clamp(u.TotalTokens)-read.InputTokens)
	}
	var b besides
	if lenient(value, &b) && (b.Citation != nil || b.Searches != nil) {
		read.InputTokens += clamp(b.Citation)
		read.OutputTokens += clamp(b.Reasoning)
	}
	var d details
	if lenient(value, &d) {
		hit := max(d.Prompt.Read, d.Input.Read, d.Hit, 0)
		written := max(d.Prompt.Written, d.Input.Written, 0)
		read.CachedTokens = min(hit, read.InputTokens)
		read.CacheWriteTokens = min(written, read.InputTokens-read.CachedTokens)
	}
	read.Cost, read.CostStated = stated(value)
	return read, true
}

// duration reads {"type":"duration","seconds":12.3}.
func duration(value jsontext.Value) (plugins.Usage, bool) {
	var d struct {
		Type    string         `json:"type"`
		Seconds jsontext.Value `json:"seconds"`
	}
	if !lenient(value, &d) || d.Type != "duration" {
		return plugins.Usage{}, false
	}
	seconds, ok := nano(d.Seconds, 0)
	if !ok {
		return plugins.Usage{}, false
	}
	return plugins.Usage{InputTokens: min(seconds, maxCount) * audioInput}, true
}

// isDuration reports whether a report has the length of a recording and no tokens.
func isDuration(value jsontext.Value) bool {
	_, ok := duration(value)
	return ok
}

func first(counts ...*int64) *int64 {
	for _, n := range counts {
		if n != nil {
			return n
		}
	}
	return nil
}

func clamp(n *int64) int64 {
	if n == nil {
		return 0
	}
	return min(max(*n, 0), maxCount)
}

// largest is the larger of two reports, member by member: some servers report on
// every chunk, always the total so far. The last stated cost counts.
func largest(a, b plugins.Usage) plugins.Usage {
	a.InputTokens = max(a.InputTokens, b.InputTokens)
	a.CachedTokens = max(a.CachedTokens, b.CachedTokens)
	a.CacheWriteTokens = max(a.CacheWriteTokens, b.CacheWriteTokens)
	a.OutputTokens = max(a.OutputTokens, b.OutputTokens)
	if b.CostStated {
		a.Cost, a.CostStated = b.Cost, true
	}
	return a
}

// together is the sum of two reports of different work.
func together(a, b plugins.Usage) plugins.Usage {
	a.InputTokens += b.InputTokens
	a.CachedTokens += b.CachedTokens
	a.CacheWriteTokens += b.CacheWriteTokens
	a.OutputTokens += b.OutputTokens
	if b.CostStated {
		a.Cost, a.CostStated = a.Cost+b.Cost, true
	}
	return a
}

// lenient decodes what a provider sent. Being strict here would only lose usage.
func lenient(data []byte, into any) bool {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return err == nil
}
