package openai

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// chunk is the part of a streamed chunk the meter looks at.
type chunk struct {
	choices jsontext.Value
	usage   jsontext.Value
	groq    jsontext.Value
}

// part is what a chunk adds to one choice.
type part struct {
	index   count
	delta   jsontext.Value
	message jsontext.Value // some servers send it instead
	text    jsontext.Value
	finish  jsontext.Value
}

// chunk reads one chunk of a chat; not ok is what cannot be read as one. The
// extra one has usage and an empty list of choices; usage that comes with choices
// was the provider's own idea.
func (m *meter) chunk(data jsontext.Value) (extra, ok bool) {
	kind := data.Kind()
	if kind != '{' && kind != 'n' || !legible(data) {
		return false, false
	}
	c := readChunk(data)
	n, listed := m.parts(c.choices)
	if !listed {
		m.deltas.add(c.choices)
	}
	used := m.report(c.usage)
	if !used {
		usage, _ := member(c.groq, "usage")
		m.report(usage)
	}
	m.final = m.reported && m.quiet && m.done()
	return used && listed && n == 0, true
}

func readChunk(data jsontext.Value) (c chunk) {
	cursor := plugins.NewCursor(data)
	if cursor.Kind() != '{' {
		return c
	}
	for cursor.Enter(); cursor.More(); {
		switch name, value := cursor.Name(), cursor.Value(); string(name) {
		case "choices":
			c.choices = value
		case "usage":
			c.usage = value
		case "x_groq":
			c.groq = value
		}
	}
	return c
}

// parts takes in a list of parts and counts them, up to one that is none.
func (m *meter) parts(choices jsontext.Value) (n int, listed bool) {
	cursor := plugins.NewCursor(choices)
	if cursor.Kind() != '[' {
		return 0, false
	}
	for cursor.Enter(); cursor.More(); n++ {
		p, ok := readPart(cursor.Value())
		m.part(p)
		if !ok {
			return n, false
		}
	}
	return n, true
}

// readPart reads a part as far as it is one; a null is one that is empty.
func readPart(value jsontext.Value) (p part, ok bool) {
	cursor := plugins.NewCursor(value)
	if kind := cursor.Kind(); kind != '{' {
		return p, kind == 'n'
	}
	for cursor.Enter(); cursor.More(); {
		switch name, value := cursor.Name(), cursor.Value(); string(name) {
		case "index":
			if !p.index.read(value) {
				return p, false
			}
		case "delta":
			p.delta = value
		case "message":
			p.message = value
		case "text":
			p.text = value
		case "finish_reason":
			p.finish = value
		}
	}
	return p, true
}

func (m *meter) part(p part) {
	m.deltas.add(p.delta)
	m.deltas.add(p.text)
	if len(p.delta) == 0 {
		m.deltas.add(p.message)
	}
	if p.finish.Kind() == '"' && len(m.finished) < maxChoices {
		if m.finished == nil {
			m.finished = make(map[int64]bool)
		}
		m.finished[p.index.n] = true
	}
}

// done reports whether every choice has come to its end.
func (m *meter) done() bool { return len(m.finished) > 0 && int64(len(m.finished)) >= m.note.choices }
