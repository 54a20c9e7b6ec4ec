package openai

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// report is what providers say an answer cost, in all the spellings of the API.
// Its members come in groups: where one of them is not of its kind, none of the
// group counts.
type report struct {
	tokens    tokens
	besides   besides
	details   details
	costs     costs
	recording recording
}

// tokens are the counts: cached tokens are inside the input's, reasoning inside
// the output's.
type tokens struct {
	odd                bool
	prompt, completion count // chat, embeddings
	input, output      count // responses, images, audio
	total              count
}

// besides are Perplexity's: counts beside the others, in no total. They are so
// where searches are counted; elsewhere a count of reasoning is inside another.
type besides struct {
	odd                           bool
	reasoning, citation, searches count
}

// details are the parts of the input that have a price of their own.
type details struct {
	odd           bool
	prompt, input cached
	hit           count // DeepSeek
}

type cached struct{ read, written count }

// costs are the members by which providers state what an answer cost.
type costs struct {
	odd      bool
	cost     jsontext.Value // OpenRouter: dollars; Perplexity: an object
	byok     jsontext.Value // OpenRouter: the owner's own key pays the rest elsewhere
	upstream jsontext.Value
	ticks    jsontext.Value // xAI: ten billion to the dollar
}

// recording is the length of a recording: {"type":"duration","seconds":12.3}.
type recording struct {
	odd      bool
	duration bool
	seconds  jsontext.Value
}

// readReport reads a usage object; false when it is none.
func readReport(value jsontext.Value) (r report, ok bool) {
	if value.Kind() != '{' || !legible(value) {
		return r, false
	}
	c := plugins.NewCursor(value)
	for c.Enter(); c.More(); {
		r.take(c.Name(), c.Value())
	}
	return r, true
}

func (r *report) take(name []byte, value jsontext.Value) {
	if n, odd := r.countOf(name); n != nil {
		*odd = !n.read(value) || *odd
		return
	}
	kind := value.Kind()
	switch string(name) {
	case "prompt_tokens_details":
		r.details.odd = !r.details.prompt.take(value) || r.details.odd
	case "input_tokens_details":
		r.details.odd = !r.details.input.take(value) || r.details.odd
	case "cost":
		r.costs.cost = value
	case "cost_in_usd_ticks":
		r.costs.ticks = value
	case "is_byok":
		r.costs.byok = value
		r.costs.odd = r.costs.odd || kind != 't' && kind != 'f' && kind != 'n'
	case "cost_details":
		r.costs.odd = r.costs.odd || kind != '{' && kind != 'n'
		if found, _ := member(value, "upstream_inference_cost"); found != nil || kind == 'n' {
			r.costs.upstream = found
		}
	case "type":
		r.recording.odd = r.recording.odd || kind != '"' && kind != 'n'
		r.recording.duration = text(value) == "duration"
	case "seconds":
		r.recording.seconds = value
	}
}

// countOf is where the count of that name goes, and what says that its group is
// odd; nil where it is none.
func (r *report) countOf(name []byte) (n *count, odd *bool) {
	switch string(name) {
	case "prompt_tokens":
		return &r.tokens.prompt, &r.tokens.odd
	case "completion_tokens":
		return &r.tokens.completion, &r.tokens.odd
	case "input_tokens":
		return &r.tokens.input, &r.tokens.odd
	case "output_tokens":
		return &r.tokens.output, &r.tokens.odd
	case "total_tokens":
		return &r.tokens.total, &r.tokens.odd
	case "reasoning_tokens":
		return &r.besides.reasoning, &r.besides.odd
	case "citation_tokens":
		return &r.besides.citation, &r.besides.odd
	case "num_search_queries":
		return &r.besides.searches, &r.besides.odd
	case "prompt_cache_hit_tokens":
		return &r.details.hit, &r.details.odd
	}
	return nil, nil
}

// take reports whether the value is such details, or null.
func (d *cached) take(value jsontext.Value) bool {
	switch value.Kind() {
	case 'n':
		*d = cached{}
		return true
	case '{':
		read := true
		c := plugins.NewCursor(value)
		for c.Enter(); c.More(); {
			switch name, value := c.Name(), c.Value(); string(name) {
			case "cached_tokens":
				read = d.read.read(value) && read
			case "cache_write_tokens":
				read = d.written.read(value) && read
			}
		}
		return read
	}
	return false
}

// count is a whole number, if it is given.
type count struct {
	n     int64
	given bool
}

// read reports whether the value is a count, or null.
func (n *count) read(value jsontext.Value) bool {
	*n = count{}
	if value.Kind() == 'n' {
		return true
	}
	whole, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return false
	}
	*n = count{whole, true}
	return true
}

func (n count) or(other count) count {
	if n.given {
		return n
	}
	return other
}

func (n count) clamp() int64 { return min(max(n.n, 0), maxCount) }
