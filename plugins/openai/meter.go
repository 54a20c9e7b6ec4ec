package openai

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/tokenizer"
)

const (
	maxUsageBytes = 16 << 10
	maxKeptText   = 64 << 10 // of an answer that is no stream, to estimate its tokens by
)

// note is what a meter must know of the request.
type note struct {
	action    string
	model     string
	choices   int64
	dropUsage bool  // the usage chunk is ours, not the client's
	rate      int64 // bytes of an audible answer that carry one token; 0: it is text
	bound     int64 // tokens of one answer that is an image
}

// meter reads the usage of one answer.
type meter struct {
	note     note
	usage    plugins.Usage
	reported bool
	final    bool

	// Of a stream.
	deltas   *deltaReader
	seen     int64        // output tokens, as far as the deltas tell
	items    int64        // the same, as far as whole items tell
	images   int64        // that have reported
	finished map[int]bool // choices
	quiet    bool         // no output since the last report

	// Of any other answer.
	tap   *plugins.MemberTap
	tools *plugins.MemberTap
	bytes int64
	kept  []byte
	text  estimate
}

// estimate is the tokens of an answer as long as no more bytes of it come.
type estimate struct{ bytes, tokens int64 }

// NewMeter implements [plugins.Provider].
func (p *Provider) NewMeter(call *plugins.Call) plugins.Meter {
	n, _ := call.State.(note)
	return &meter{
		note: n, tap: plugins.NewMemberTap("usage", maxUsageBytes), tools: plugins.NewMemberTap("tool_usage", maxUsageBytes),
	}
}

// Event implements [plugins.Meter].
func (m *meter) Event(raw []byte) []byte {
	data := bytes.TrimSpace(plugins.EventData(raw))
	switch {
	case len(data) == 0:
		return raw
	case bytes.Equal(data, []byte("[DONE]")):
		m.final = m.final || m.reported && m.quiet
		return raw
	}
	if m.deltas == nil {
		m.deltas = newDeltaReader(tokenizer.For(m.note.model))
	}
	if m.note.action != ChatCompletions {
		m.typed(data)
		return raw
	}
	if m.chunk(data) && m.note.dropUsage {
		return nil
	}
	return raw
}

// report takes in what the provider says an answer cost so far.
func (m *meter) report(value jsontext.Value) bool {
	read, ok := readUsage(value)
	if ok {
		m.usage, m.reported, m.quiet = largest(m.usage, read), true, true
	}
	return ok
}

// output notes tokens that have gone by.
func (m *meter) output(tokens int64) {
	if tokens > 0 {
		m.seen += tokens
		m.quiet, m.final = false, false
	}
}

// Body implements [plugins.Meter].
func (m *meter) Body(chunk []byte) {
	m.bytes += int64(len(chunk))
	if m.note.rate > 0 {
		return // sound has no members
	}
	m.tap.Watch(chunk)
	if m.note.action == Responses {
		m.tools.Watch(chunk)
	}
	if m.note.choices > 0 && m.note.bound == 0 {
		m.kept = append(m.kept, chunk[:min(len(chunk), maxKeptText-len(m.kept))]...)
	}
}

// Usage implements [plugins.Meter].
func (m *meter) Usage() (plugins.Usage, bool) {
	value := m.tap.Value()
	if value == nil {
		return m.usage, m.reported
	}
	read, ok := readUsage(bytes.TrimSpace(value))
	if !ok {
		return m.usage, m.reported
	}
	return largest(m.usage, together(read, toolUsage(bytes.TrimSpace(m.tools.Value())))), true
}

// Seen implements [plugins.Meter].
func (m *meter) Seen() int64 {
	usage, _ := m.Usage()
	return max(usage.OutputTokens, m.seen, m.items, m.whole())
}

// whole estimates the output of an answer that is no stream from its bytes: all
// that is text in it is counted, its framing too; a byte beyond what is kept is
// a token.
func (m *meter) whole() int64 {
	switch {
	case m.bytes == 0 || m.note.choices == 0:
		return 0
	case m.note.rate > 0:
		return (m.bytes + m.note.rate - 1) / m.note.rate
	case m.note.bound > 0:
		return m.note.bound * m.note.choices
	}
	if m.text.bytes != m.bytes {
		kept := int64(len(m.kept))
		m.text = estimate{m.bytes, m.bytes - kept + min(kept, tokenizer.For(m.note.model)(string(m.kept)))}
	}
	return m.text.tokens
}

// Final implements [plugins.Meter].
func (m *meter) Final() bool {
	if m.bytes > 0 {
		_, reported := m.Usage()
		return reported
	}
	return m.final
}
