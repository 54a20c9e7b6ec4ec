package openai

import (
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

// readUsage reads one usage object; false when it is none.
func readUsage(value jsontext.Value) (plugins.Usage, bool) {
	r, ok := readReport(value)
	if !ok {
		return plugins.Usage{}, false
	}
	return r.usage()
}

// usage is the report in the gateway's terms; false when it has no counts.
//
// xAI counts reasoning beside the completion, but in the total: what the total
// has over input and output is output. A recording's duration becomes tokens.
func (r *report) usage() (plugins.Usage, bool) {
	in, out := r.tokens.prompt.or(r.tokens.input), r.tokens.completion.or(r.tokens.output)
	switch {
	case r.tokens.odd:
		return plugins.Usage{}, false
	case !in.given && !out.given:
		return r.duration()
	}
	read := plugins.Usage{InputTokens: in.clamp(), OutputTokens: out.clamp()}
	if in.given && r.tokens.total.given {
		read.OutputTokens = max(read.OutputTokens, r.tokens.total.clamp()-read.InputTokens)
	}
	if b := &r.besides; !b.odd && (b.citation.given || b.searches.given) {
		read.InputTokens += b.citation.clamp()
		read.OutputTokens += b.reasoning.clamp()
	}
	if d := &r.details; !d.odd {
		hit := max(d.prompt.read.n, d.input.read.n, d.hit.n, 0)
		written := max(d.prompt.written.n, d.input.written.n, 0)
		read.CachedTokens = min(hit, read.InputTokens)
		read.CacheWriteTokens = min(written, read.InputTokens-read.CachedTokens)
	}
	read.Cost, read.CostStated = r.costs.stated()
	return read, true
}

// duration is the length of a recording; false when the report has none.
func (r *report) duration() (plugins.Usage, bool) {
	seconds, ok := nano(r.recording.seconds, 0)
	if !ok || r.recording.odd || !r.recording.duration {
		return plugins.Usage{}, false
	}
	return plugins.Usage{InputTokens: min(seconds, maxCount) * audioInput}, true
}

func (r *report) isDuration() bool {
	_, ok := r.duration()
	return ok
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
