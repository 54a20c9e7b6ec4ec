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

// chunk reads one chunk of a chat and reports whether it is the extra one: with
// usage and an empty list of choices. Usage that comes with choices was the
// provider's own idea. What cannot be read counts as text.
func (m *meter) chunk(data []byte) (extra bool) {
	var c chunk
	if !lenient(data, &c) {
		m.output(m.deltas.words(string(data)))
		return false
	}
	var parts []part
	listed := c.Choices.Kind() == '[' && lenient(c.Choices, &parts)
	if !listed && len(c.Choices) > 0 && c.Choices.Kind() != 'n' {
		m.output(m.deltas.piece(c.Choices))
	}
	for _, p := range parts {
		m.part(p)
	}
	used := m.report(c.Usage)
	if c.Groq.Kind() == '{' {
		var groq chunk
		if lenient(c.Groq, &groq) && !used {
			m.report(groq.Usage)
		}
	}
	extra = used && listed && len(parts) == 0
	m.final = m.reported && m.quiet && (extra || m.done())
	return extra
}

func (m *meter) part(p part) {
	tokens := m.deltas.piece(p.Delta) + m.deltas.piece(p.Text)
	if tokens == 0 && len(p.Delta) == 0 {
		tokens = m.deltas.piece(p.Message)
	}
	m.output(tokens)
	if p.Finish.Kind() == '"' && len(m.finished) < maxChoices {
		if m.finished == nil {
			m.finished = make(map[int]bool)
		}
		m.finished[p.Index] = true
	}
}

// done reports whether every choice has come to its end.
func (m *meter) done() bool { return len(m.finished) > 0 && int64(len(m.finished)) >= m.note.choices }
