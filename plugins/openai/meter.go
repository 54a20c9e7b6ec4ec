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
	timed    bool // by the length of a recording

	bytes int64 // that went by

	// Of a stream.
	stream   bool
	deltas   *outputSum     // what has gone by; nil before the first event
	items    *outputSum     // the same, by whole items
	finished map[int64]bool // choices
	images   int64          // that have reported
	told     bool           // the event at hand has reported
	quiet    bool           // no output since the last report
	final    bool

	// Of any other answer.
	tap     plugins.MemberTap
	tools   *plugins.MemberTap // of a response; nil for anything else
	parsed  parsed
	whole   int64 // bytes
	kept    []byte
	text    *tokenizer.Sum // of kept, as far as counted
	counted int
}

// NewMeter implements [plugins.Provider].
func (p *Provider) NewMeter(call *plugins.Call) plugins.Meter {
	n, _ := call.State.(note)
	m := &meter{note: n, tap: *plugins.NewMemberTap("usage", maxUsageBytes)}
	if n.action == Responses {
		m.tools = plugins.NewMemberTap("tool_usage", maxUsageBytes)
	}
	return m
}

// Event implements [plugins.Meter].
func (m *meter) Event(raw []byte) []byte {
	m.bytes += int64(len(raw))
	m.stream = true
	data := bytes.TrimSpace(plugins.EventData(raw))
	switch {
	case len(data) == 0:
		return raw
	case bytes.Equal(data, []byte("[DONE]")):
		m.final = m.final || m.reported && m.quiet
		return raw
	}
	if m.deltas == nil {
		m.deltas, m.items = newOutputSum(m.note.model), newOutputSum(m.note.model)
	}
	before := m.deltas.total()
	m.told = false
	extra, ok := m.read(data)
	if !ok {
		m.unreadable(raw, data)
	}
	if m.deltas.total() > before && !m.told {
		m.quiet, m.final = false, false
	}
	if extra && m.note.dropUsage {
		return nil
	}
	return raw
}

// read takes in one event; extra is the chunk that carries nothing but usage.
func (m *meter) read(data []byte) (extra, ok bool) {
	if m.note.action == ChatCompletions {
		return m.chunk(data)
	}
	return false, m.typed(data)
}

// unreadable counts as text, unless it is half an event: that is of no use.
func (m *meter) unreadable(raw, data []byte) {
	if last := raw[len(raw)-1]; last == '\n' || last == '\r' {
		m.deltas.text.Add(string(data))
	}
}

// report takes in what the provider says an answer cost so far.
func (m *meter) report(value jsontext.Value) bool {
	r, ok := readReport(value)
	if !ok {
		return false
	}
	read, ok := r.usage()
	if ok {
		m.usage = largest(m.usage, m.believed(read))
		m.timed = m.timed || r.isDuration()
		m.reported, m.told, m.quiet = true, true, true
	}
	return ok
}

// Body implements [plugins.Meter].
func (m *meter) Body(chunk []byte) {
	m.bytes += int64(len(chunk))
	m.whole += int64(len(chunk))
	if m.note.rate > 0 {
		return // sound has no members
	}
	m.tap.Watch(chunk)
	if m.tools != nil {
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
	var tools []byte
	if m.tools != nil {
		tools = m.tools.Value()
	}
	if !same(value, m.parsed.value) || !same(tools, m.parsed.tools) {
		m.parsed = m.parse(value, tools)
	}
	if !m.parsed.ok {
		return m.usage, m.reported
	}
	return largest(m.usage, m.parsed.usage), true
}

func (m *meter) parse(value, tools []byte) parsed {
	r, ok := readReport(bytes.TrimSpace(value))
	if !ok {
		return parsed{value: value, tools: tools}
	}
	read, ok := r.usage()
	if ok {
		read = m.believed(together(read, toolUsage(bytes.TrimSpace(tools))))
		m.timed = r.isDuration()
	}
	return parsed{value, tools, read, ok}
}

// parsed is what an answer's usage was read as, which is asked for several times.
type parsed struct {
	value, tools []byte // what it was read from
	usage        plugins.Usage
	ok           bool
}

// same says whether two texts of a tap, which makes a new one for each member,
// are one.
func same(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Seen implements [plugins.Meter].
func (m *meter) Seen() int64 {
	usage, _ := m.Usage()
	seen := m.estimate()
	if m.deltas != nil {
		seen = max(seen, m.deltas.total(), m.items.total())
	}
	return max(usage.OutputTokens, min(seen, m.bytes)) // no token is shorter than a byte
}

// estimate is the output of an answer that is no stream, by its bytes: all that
// is text in it is counted, its framing too; a byte beyond what is kept is a
// token.
func (m *meter) estimate() int64 {
	switch {
	case m.whole == 0 || m.note.choices == 0:
		return 0
	case m.note.rate > 0:
		return (m.whole + m.note.rate - 1) / m.note.rate
	case m.note.bound > 0:
		return m.note.bound * m.note.choices
	}
	if m.text == nil {
		m.text = tokenizer.NewSum(m.note.model)
	}
	m.text.Add(string(m.kept[m.counted:]))
	m.counted = len(m.kept)
	return m.whole - int64(len(m.kept)) + m.text.Total()
}

// Final implements [plugins.Meter].
func (m *meter) Final() bool {
	usage, reported := m.Usage()
	if m.stream {
		reported = m.final
	}
	return reported && m.complete(usage)
}
