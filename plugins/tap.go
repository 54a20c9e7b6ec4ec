package plugins

import "slices"

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
	key       []byte
	value     []byte
	found     []byte
}

// NewMemberTap keeps the member called name if its text has at most limit bytes.
func NewMemberTap(name string, limit int) *MemberTap {
	return &MemberTap{name: name, limit: limit}
}

// Value is the member's text with the space around it, once it has gone by
// whole; nil before that. The last one counts if there are several.
func (t *MemberTap) Value() []byte { return t.found }

// Watch takes the next bytes; it keeps none of chunk.
func (t *MemberTap) Watch(chunk []byte) {
	for _, c := range chunk {
		if t.done {
			return
		}
		t.see(c)
	}
}

func (t *MemberTap) see(c byte) {
	switch {
	case t.inString:
		t.insideString(c)
		return
	case !t.started:
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
			t.key = t.key[:0]
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
	t.keep(c)
	if t.depth == 1 && c == ':' {
		t.isValue = true
		t.capturing = string(t.key) == t.name
	}
}

func (t *MemberTap) insideString(c byte) {
	t.keep(c)
	switch {
	case t.escaped:
		t.escaped = false
	case c == '\\':
		t.escaped = true
	case c == '"':
		t.inString = false
		return
	}
	if t.depth == 1 && !t.isValue && len(t.key) <= len(t.name) {
		t.key = append(t.key, c)
	}
}

func (t *MemberTap) keep(c byte) {
	switch {
	case !t.capturing || t.tooLong:
	case len(t.value) == t.limit:
		t.tooLong = true
	default:
		if t.value == nil {
			t.value = make([]byte, 0, min(t.limit, 512)) // enough for most
		}
		t.value = append(t.value, c)
	}
}

func (t *MemberTap) memberEnds() {
	if t.capturing && !t.tooLong {
		t.found = slices.Clone(t.value)
	}
	t.value = t.value[:0]
	t.isValue, t.capturing, t.tooLong = false, false, false
}
