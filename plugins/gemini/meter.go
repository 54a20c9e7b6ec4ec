package gemini

import (
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/tokenizer"
)

// meter reads the usage of one answer. Each response of a stream, be it an event
// or an element of an array, reports the totals so far.
type meter struct {
	state    state
	usage    plugins.Usage
	reported bool
	final    bool
	finished [maxChoices]bool  // candidates
	blocked  bool              // there will be no candidates
	text     tokenizer.Running // since output was last reported
	seen     int64             // the largest so far
	scan     *scanner          // nil until there is a body

	// Of the response under way.
	reports bool // its usage
	grew    bool // the output reported
}

// NewMeter implements [plugins.Provider].
func (p *Provider) NewMeter(call *plugins.Call) plugins.Meter {
	s, _ := call.State.(state)
	return &meter{state: s}
}

// Event implements [plugins.Meter]. Every event is the client's own.
func (m *meter) Event(raw []byte) []byte {
	newScanner(m, inAnswer).watch(plugins.EventData(raw))
	return raw
}

// Body implements [plugins.Meter].
func (m *meter) Body(chunk []byte) {
	if m.scan == nil {
		m.scan = newScanner(m, inAnswer)
	}
	m.scan.watch(chunk)
}

// words takes in a piece of output; it is not the last that is known of.
func (m *meter) words(piece string) {
	if m.state.output {
		m.text.Add(piece)
		m.final = false
	}
}

// finish notes that a candidate has ended.
func (m *meter) finish(index int64) {
	if index >= 0 && index < maxChoices {
		m.finished[index] = true
	}
}

// block notes that the prompt is refused.
func (m *meter) block() { m.blocked = true }

// report takes in what the provider says the answer cost so far.
func (m *meter) report(value []byte) {
	u, ok := readUsage(value)
	if !ok {
		return
	}
	if !m.state.output {
		u.OutputTokens = 0
	}
	m.grew = m.grew || u.OutputTokens > m.usage.OutputTokens
	m.reports, m.reported = true, true
	m.usage = largest(m.usage, u)
}

// responded is the end of one response: what it reports includes what it says,
// and is the last word when all candidates have ended.
func (m *meter) responded() {
	if m.grew {
		m.text = tokenizer.Running{}
	}
	if m.reports {
		m.final = m.ended()
	}
	m.reports, m.grew = false, false
}

func (m *meter) ended() bool {
	ended := int64(0)
	for _, finished := range m.finished {
		if finished {
			ended++
		}
	}
	return m.blocked || !m.state.output || ended >= m.state.choices
}

// Usage implements [plugins.Meter].
func (m *meter) Usage() (plugins.Usage, bool) { return m.usage, m.reported }

// Seen implements [plugins.Meter]: what has been reported, and an estimate of
// what a model has written since.
func (m *meter) Seen() int64 {
	m.seen = max(m.seen, m.usage.OutputTokens+m.text.Tokens())
	return m.seen
}

// Final implements [plugins.Meter]. A report is not the last word where it is
// zero: no request is without input, and output that went by was some.
func (m *meter) Final() bool {
	return m.final && m.usage.InputTokens > 0 && (m.usage.OutputTokens > 0 || m.Seen() == 0)
}
