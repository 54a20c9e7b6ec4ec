package gemini

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// message is one JSON object in Google's notation: each member may be written in
// camel case or, as in the protocol buffer behind it, with underscores. Both at
// once are refused, since servers could take either.
type message struct {
	object   *plugins.Object
	spelling map[string]string // as it is written, by its name in camel case
}

// parseMessage reads data strictly and refuses members that are not known, which
// are given in camel case. where is put before the name of one at fault.
func parseMessage(data []byte, where string, known []string) (*message, error) {
	object, err := plugins.ParseObject(data)
	if err != nil {
		return nil, err
	}
	m := &message{object: object, spelling: make(map[string]string)}
	for _, written := range object.Names() {
		i := slices.IndexFunc(known, func(name string) bool { return written == name || written == snake(name) })
		if i < 0 {
			return nil, plugins.Invalid(where+written, "the member "+where+written+" is not one the gateway forwards; leave it out")
		}
		if _, twice := m.spelling[known[i]]; twice {
			return nil, plugins.Invalid(where+written, "the member "+where+known[i]+" is given in two spellings; leave one out")
		}
		m.spelling[known[i]] = written
	}
	return m, nil
}

// written is how the message spells a member that it has, or else camel case.
func (m *message) written(name string) string {
	if spelling, ok := m.spelling[name]; ok {
		return spelling
	}
	return name
}

// value is a member's text, unless it is absent or null.
func (m *message) value(name string) (jsontext.Value, bool) {
	value, ok := m.object.Value(m.written(name))
	return value, ok && value.Kind() != 'n'
}

// inner reads a member that is a message itself; nil when it is absent or null.
func (m *message) inner(name string, known []string) (*message, error) {
	value, given := m.value(name)
	if !given {
		return nil, nil
	}
	if value.Kind() != '{' {
		return nil, plugins.Invalid(name, name+" must be an object")
	}
	return parseMessage(value, name+".", known)
}

// snake writes a camel case name with underscores.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
