package openai

import (
	"github.com/go-json-experiment/json/jsontext"
)

// chunk is the part of a streamed chunk the meter looks at.
type chunk struct {
	Choices jsontext.Value `json:"choices"`
	Usage   jsontext.Value `json:"usage"`
	Groq    jsontext.Value `json:"x_groq"`
}

// part is what a chunk adds to one choice.
type part struct {
	Index   int            `json:"index"`
	Delta   jsontext.Value `json:"delta"`
	Message jsontext.Value `json:"message"` // some servers send it instead
	Text    jsontext.Value `json:"text"`
	Finish  jsontext.Value `json:"finish_reason"`
}

// chunk reads one chunk of a chat; not ok is what cannot be read as one. The
// extra one has usage and an empty list of choices; usage that comes with choices
// was the provider's own idea.
func (m *meter) chunk(data []byte) (extra, ok bool) {
	var c chunk
	if !lenient(data, &c) {
		return false, false
	}
	var parts []part
	listed := c.Choices.Kind() == '[' && lenient(c.Choices, &parts)
	if !listed {
		m.deltas.add(c.Choices)
	}
	for _, p := range parts {
		m.part(p)
	}
	used := m.report(c.Usage)
	var groq chunk
	if !used && c.Groq.Kind() == '{' && lenient(c.Groq, &groq) {
		m.report(groq.Usage)
	}
	m.final = m.reported && m.quiet && m.done()
	return used && listed && len(parts) == 0, true
}

func (m *meter) part(p part) {
	m.deltas.add(p.Delta)
	m.deltas.add(p.Text)
	if len(p.Delta) == 0 {
		m.deltas.add(p.Message)
	}
	if p.Finish.Kind() == '"' && len(m.finished) < maxChoices {
		if m.finished == nil {
			m.finished = make(map[int]bool)
		}
		m.finished[p.Index] = true
	}
}

// done reports whether every choice has come to its end.
func (m *meter) done() bool { return len(m.finished) > 0 && int64(len(m.finished)) >= m.note.choices }
