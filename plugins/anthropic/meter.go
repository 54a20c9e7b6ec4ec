package anthropic

import (
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/tokenizer"
)

const maxUsageBytes = 16 << 10

// meter reads the usage of one answer: the input at the start of a stream, the
// output at its end, all of it in an answer that is not streamed.
type meter struct {
	state    state
	tap      *plugins.MemberTap
	counts   counts
	reported bool
	final    bool
	text     tokenizer.Running // of a stream
	bytes    int64             // of an answer that is none
	seen     int64             // the largest so far
}

// NewMeter implements [plugins.Provider].
func (p *Provider) NewMeter(call *plugins.Call) plugins.Meter {
	s, _ := call.State.(state)
	return &meter{state: s, tap: plugins.NewMemberTap("usage", maxUsageBytes)}
}

// event is the part of a stream's event the meter looks at. Its kind is read
// from the data, which says the same as the event's name.
type event struct {
	Type    string `json:"type"`
	Message struct {
		Usage *usage `json:"usage"`
	} `json:"message"`
	Usage        *usage `json:"usage"`
	ContentBlock struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Thinking string `json:"thinking"`
		Name     string `json:"name"`
	} `json:"content_block"`
	Delta struct {
		Text        string  `json:"text"`
		Thinking    string  `json:"thinking"`
		PartialJSON string  `json:"partial_json"`
		StopReason  *string `json:"stop_reason"`
	} `json:"delta"`
}

// Event implements [plugins.Meter]. Every event is the client's own.
func (m *meter) Event(raw []byte) []byte {
	if !m.state.output {
		return raw
	}
	var e event
	if !plugins.Lenient(plugins.EventData(raw), &e) {
		return raw
	}
	switch e.Type {
	case "message_start":
		m.read(e.Message.Usage)
	case "content_block_start":
		m.begins(&e)
	case "content_block_delta":
		m.text.Add(e.Delta.Text + e.Delta.Thinking + e.Delta.PartialJSON)
	case "message_delta":
		if m.read(e.Usage) && e.Delta.StopReason != nil {
			m.final = true
		}
	}
	return raw
}

// begins counts what a block has in it already. Results of tools are input, and
// read from them is what comes later.
func (m *meter) begins(e *event) {
	text := e.ContentBlock.Text + e.ContentBlock.Thinking + e.ContentBlock.Name
	if text != "" || e.ContentBlock.Type == "redacted_thinking" {
		m.text.Add(text)
	}
}

// Body implements [plugins.Meter].
func (m *meter) Body(chunk []byte) {
	if !m.state.output {
		return
	}
	m.tap.Watch(chunk)
	m.bytes += int64(len(chunk))
}

// Usage implements [plugins.Meter]. Behind the usage of an answer that is not
// streamed nothing more can be charged.
func (m *meter) Usage() (plugins.Usage, bool) {
	if value := m.tap.Value(); value != nil && !m.final {
		var u usage
		m.final = plugins.Lenient(value, &u) && m.read(&u)
	}
	return m.counts.total(m.state.hour), m.reported
}

// Seen implements [plugins.Meter]: the text of a stream, with a token for each
// piece of which the text is hidden; the bytes of an answer that is no stream.
func (m *meter) Seen() int64 {
	usage, _ := m.Usage()
	m.seen = max(m.seen, usage.OutputTokens, m.text.Tokens(), m.bytes)
	return m.seen
}

// Final implements [plugins.Meter]: the event that names the reason why the
// answer ends has the last counts. They are not the last word where they are
// zero: no request is without input, and output that went by was some.
func (m *meter) Final() bool {
	usage, _ := m.Usage()
	return m.final && usage.InputTokens > 0 && (usage.OutputTokens > 0 || m.state.silent || m.Seen() == 0)
}

// read takes in one usage object and reports whether it was one.
func (m *meter) read(u *usage) bool {
	if u == nil || !m.counts.read(u) {
		return false
	}
	m.reported = true
	return true
}
