package plugins

import (
	"bytes"
	"fmt"
	"slices"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a body that [ParseObject] reads.
const (
	MaxObjectBytes = 64 << 20
	MaxObjectDepth = 128     // objects and arrays within each other
	maxObjectNames = 1 << 18 // member names in the whole document, which a reader must remember
	maxNameBytes   = 128     // a top-level member name
)

// Object is one JSON object read strictly, whose top-level members can be read
// and replaced without touching any other byte.
type Object struct {
	data    []byte
	members []member
}

type member struct {
	name       []byte
	start, end int // of the value in data
}

const usualMembers = 8 // of an object

// ParseObject reads data as one JSON object (RFC 8259) that every reader must
// understand alike. It refuses duplicate names at any depth, invalid UTF-8 and
// lone surrogates, a byte order mark, anything after the object, more than
// [MaxObjectDepth] levels, and top-level names written with escapes or control
// characters.
//
// critical are the names the caller decides by. A top-level name that a lenient
// reader may take for one of them (other case, other separators: Model,
// maxTokens) is refused too. Errors are *[Error].
//
// The object refers to data, which must not be changed; edits make copies.
func ParseObject(data []byte, critical ...string) (*Object, error) {
	v := Vocabulary{critical: critical}
	return v.parse(data)
}

func (v *Vocabulary) parse(data []byte) (*Object, error) {
	if len(data) > MaxObjectBytes {
		return nil, Invalid("", fmt.Sprintf("the body is larger than %d bytes", MaxObjectBytes))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, Invalid("", "the body is empty; send a JSON object")
	}
	members, ok := v.findMembers(data)
	if !ok || !jsontext.Value(data).IsValid() {
		return nil, newRefusal(data, v.critical).ofObject()
	}
	return &Object{data: data, members: members}, nil
}

// findMembers finds the members of an object, if the text is a valid one; false
// where they are not such that every reader must understand them alike, or more
// than a reader can be made to remember.
func (v *Vocabulary) findMembers(data []byte) ([]member, bool) {
	c := NewCursor(data)
	if c.Kind() != '{' {
		return nil, false
	}
	members := make([]member, 0, usualMembers)
	for c.Enter(); c.More(); {
		quoted := c.Value()
		if len(quoted) < len(`""`) || len(members)+c.names >= maxObjectNames {
			return nil, false
		}
		name := quoted[1 : len(quoted)-1]
		if !v.known[string(name)] {
			if !writtenPlainly(name) {
				return nil, false
			}
			if _, odd := mistaken(string(name), v.critical); odd {
				return nil, false
			}
		}
		value := c.Value()
		members = append(members, member{name: name, start: c.at - len(value), end: c.at})
	}
	return members, c.names+len(members) <= maxObjectNames && c.deepest < MaxObjectDepth
}

func writtenPlainly(name []byte) bool {
	if len(name) > maxNameBytes {
		return false
	}
	for _, r := range string(name) {
		if r == '\\' || unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// Reread is [Vocabulary.Parse] for a text that may be o's, which is not parsed
// again then. Edits to the object it returns do not reach o.
func (o *Object) Reread(data []byte, v *Vocabulary) (*Object, error) {
	if len(data) == 0 || len(data) != len(o.data) || &data[0] != &o.data[0] {
		return v.Parse(data)
	}
	members := make([]member, 0, len(o.members)+usualMembers)
	return &Object{data: o.data, members: append(members, o.members...)}, nil
}

// Bytes is the object's text, with all edits made.
func (o *Object) Bytes() []byte { return o.data }

// Names lists the top-level members in the order of the text.
func (o *Object) Names() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = string(m.name)
	}
	return names
}

// Value is a member's raw text; false when it is absent. A null is a value.
func (o *Object) Value(name string) (jsontext.Value, bool) {
	i := o.index(name)
	if i < 0 {
		return nil, false
	}
	m := o.members[i]
	return jsontext.Value(o.data[m.start:m.end:m.end]), true
}

func (o *Object) index(name string) int {
	for i := range o.members {
		if string(o.members[i].name) == name {
			return i
		}
	}
	return -1
}

// Set replaces the value of a top-level member, or adds the member after the
// last one. Every other byte stays as it is. value must be one valid JSON value.
func (o *Object) Set(name string, value jsontext.Value) error {
	if !value.IsValid() {
		return Invalid(name, "the new value is not valid JSON")
	}
	if i := o.index(name); i >= 0 {
		m := o.members[i]
		o.splice(m.start, m.end, value)
		for j := range o.members[i+1:] {
			o.members[i+1+j].start += len(value) - (m.end - m.start)
			o.members[i+1+j].end += len(value) - (m.end - m.start)
		}
		o.members[i].end = m.start + len(value)
		return nil
	}
	return o.add(name, value)
}

func (o *Object) add(name string, value jsontext.Value) error {
	at := bytes.IndexByte(o.data, '{') + 1
	if n := len(o.members); n > 0 {
		at = o.members[n-1].end
	}
	text := make([]byte, 0, len(o.data)+len(`,"":`)+len(name)+len(value))
	text = append(text, o.data[:at]...)
	if len(o.members) > 0 {
		text = append(text, ',')
	}
	text, err := jsontext.AppendQuote(text, name)
	if err != nil {
		return Invalid("", "the new member's name is not valid UTF-8")
	}
	text = append(append(text, ':'), value...)
	o.members = append(o.members, member{name: []byte(name), start: len(text) - len(value), end: len(text)})
	o.data = append(text, o.data[at:]...)
	return nil
}

func (o *Object) splice(start, end int, text []byte) {
	o.data = slices.Concat(o.data[:start], text, o.data[end:])
}
