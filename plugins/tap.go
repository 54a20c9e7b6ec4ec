package plugins

import "bytes"

// MemberTap watches a JSON object go by in chunks and keeps the text of one
// top-level member, so that a number can be read from an answer of any size in
// bounded memory. It never fails: what is not a JSON object has no members.
type MemberTap struct {
	name  string
	limit int

	depth     int
	started   bool // the first byte that is no space has been seen
	done      bool // the object has ended, or there never was one
	inString  bool
	escaped   bool
	isValue   bool // at depth 1: behind the colon
	capturing bool
	tooLong   bool
	fits      int // bytes of the name that the key begins with; more than all of them when it is another
	value     []byte
	found     []byte
}

const usualMember = 512 // bytes; enough for most

// NewMemberTap keeps the member called name if its text has at most limit bytes.
func NewMemberTap(name string, limit int) *MemberTap {
	return &MemberTap{name: name, limit: limit}
}

// Value is the member's text with the space around it, once it has gone by
// whole; nil before that. The last one counts if there are several.
func (t *MemberTap) Value() []byte { return t.found }

// Watch takes the next bytes; it keeps none of chunk.
func (t *MemberTap) Watch(chunk []byte) {
	for len(chunk) > 0 && !t.done {
		n := 1
		if t.inString {
			n = t.insideString(chunk)
		} else {
			t.see(chunk[0])
		}
		chunk = chunk[n:]
	}
}

func (t *MemberTap) see(c byte) {
	if !t.started {
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			return
		}
		t.started, t.done, t.depth = true, c != '{', 1
		return
	}
	switch c {
	case '"':
		t.inString = true
		if t.depth == 1 && !t.isValue {
			t.fits = 0
		}
	case '{', '[':
		t.depth++
	case '}', ']':
		t.depth--
	}
	if t.depth == 0 || (t.depth == 1 && c == ',') {
		t.memberEnds()
		t.done = t.depth == 0
		return
	}
	if t.capturing {
		t.keep([]byte{c})
	}
	if t.depth == 1 && c == ':' {
		t.isValue = true
		t.capturing = t.fits == len(t.name)
	}
}

// stringStep is how far the end of a string is looked for at a time: its escapes
// come first, and with all of a chunk at each of them the work would grow with
// the square of it.
const stringStep = 256

// insideString goes to the end of the string, or to its next escape, and returns
// how many bytes that is.
func (t *MemberTap) insideString(chunk []byte) int {
	n := 1
	switch {
	case t.escaped:
		t.escaped = false
	case chunk[0] == '\\':
		t.escaped = true
	case chunk[0] == '"':
		t.inString = false
	default:
		chunk = chunk[:min(len(chunk), stringStep)]
		if n = bytes.IndexByte(chunk, '"'); n < 0 {
			n = len(chunk)
		}
		if escape := bytes.IndexByte(chunk[:n], '\\'); escape >= 0 {
			n = escape
		}
	}
	t.keep(chunk[:n])
	if t.inString && t.depth == 1 && !t.isValue {
		t.spell(chunk[:n])
	}
	return n
}

// spell takes in a part of a key.
func (t *MemberTap) spell(part []byte) {
	if t.fits <= len(t.name) && bytes.HasPrefix([]byte(t.name[t.fits:]), part) {
		t.fits += len(part)
	} else {
		t.fits = len(t.name) + 1
	}
}

func (t *MemberTap) keep(text []byte) {
	switch {
	case !t.capturing || t.tooLong:
	case len(t.value)+len(text) > t.limit:
		t.tooLong = true
	default:
		if t.value == nil {
			t.value = make([]byte, 0, min(t.limit, usualMember))
		}
		t.value = append(t.value, text...)
	}
}

func (t *MemberTap) memberEnds() {
	if t.capturing && !t.tooLong {
		t.found, t.value = t.value, nil
	}
	t.value = t.value[:0]
	t.isValue, t.capturing, t.tooLong = false, false, false
}
