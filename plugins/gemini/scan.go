package gemini

import "strconv"

const (
	maxUsageBytes = 16 << 10
	maxLeafBytes  = 64  // of a value that is read: a reason, an index
	maxNameBytes  = 32  // of a name that means something
	maxScanDepth  = 128 // containers within each other; what is deeper means nothing
)

// scanner watches an answer go by in chunks and tells a meter what is in it:
// one response, or an array of them that grows as the stream does. It keeps
// bounded memory, since a response may hold an image of any size. It never
// fails: what is no JSON means nothing.
type scanner struct {
	meter *meter
	open  []frame // containers, outermost first
	over  int     // open containers beyond maxScanDepth

	inString bool
	escaped  bool
	isName   bool
	name     []byte // of the member
	place    place  // of the value that comes next or is under way
	leaf     []byte

	usage     []byte // text of a usageMetadata under way
	usageFrom int    // how many containers are around it; 0: none is under way
	tooLong   bool

	wrote  bool // the part has had words
	index  int64
	finish bool
}

type frame struct {
	place  place
	object bool
}

// newScanner begins before a value at p.
func newScanner(m *meter, p place) *scanner { return &scanner{meter: m, place: p} }

// watch takes the next bytes; it keeps none of chunk.
func (s *scanner) watch(chunk []byte) {
	for i := 0; i < len(chunk); {
		if s.inString {
			n := s.text(chunk[i:])
			s.keep(chunk[i : i+n])
			i += n
			continue
		}
		s.token(chunk[i])
		i++
	}
}

// text goes to the end of a string, or of what has come of it, and returns how
// many bytes that is, a closing quote included.
func (s *scanner) text(chunk []byte) int {
	n, end := 0, 0
	for n < len(chunk) && s.inString {
		c := chunk[n]
		n++
		switch {
		case s.escaped:
			s.escaped = false
		case c == '\\':
			s.escaped = true
		case c == '"':
			s.inString = false
			continue
		}
		end = n
	}
	s.piece(chunk[:end])
	return n
}

// piece is a part of a string.
func (s *scanner) piece(text []byte) {
	at := s.place
	if s.isName {
		s.name = append(s.name, text[:min(len(text), maxNameBytes+1-len(s.name))]...)
		at = s.around()
	}
	switch at {
	case inWords:
		if len(text) > 0 {
			s.wrote = true
			s.meter.words(string(text))
		}
	case atFinish, atBlock:
		s.leaf = append(s.leaf, text[:min(len(text), maxLeafBytes-len(s.leaf))]...)
	}
}

// around is the place of the innermost container.
func (s *scanner) around() place {
	if s.over > 0 || len(s.open) == 0 {
		return elsewhere
	}
	return s.open[len(s.open)-1].place
}

// token takes a byte outside of strings.
func (s *scanner) token(c byte) {
	switch c {
	case '"':
		s.inString = true
		if s.isName {
			s.name = s.name[:0]
		}
	case '{', '[':
		s.begin(c == '{')
	case '}', ']':
		s.leafEnds()
		s.keep([]byte{c})
		s.end()
		return
	case ':':
		s.isName = false
		s.place = s.around().member(s.name)
	case ',':
		s.leafEnds()
		s.next()
	default:
		if s.place == atIndex && c > ' ' && len(s.leaf) < maxLeafBytes {
			s.leaf = append(s.leaf, c)
		}
	}
	s.keep([]byte{c})
}

// next prepares for a name, or for the next element of an array.
func (s *scanner) next() {
	s.isName, s.place = false, elsewhere
	if s.over > 0 || len(s.open) == 0 {
		return
	}
	top := s.open[len(s.open)-1]
	s.isName = top.object
	if !top.object {
		s.place = top.place.element()
	}
}

func (s *scanner) begin(object bool) {
	if s.over > 0 || len(s.open) == maxScanDepth {
		s.over++
		s.isName, s.place = false, elsewhere
		return
	}
	at := s.place
	switch {
	case at == inAnswer && object:
		at = inResponse
	case at == inAnswer:
		at = inResponses
	case at == inPart:
		s.wrote = false
	case at == inCandidate:
		s.index, s.finish = 0, false
	case at == atUsage && s.usageFrom == 0:
		s.usageFrom, s.usage, s.tooLong = len(s.open)+1, s.usage[:0], false
	}
	s.open = append(s.open, frame{at, object})
	s.next()
}

func (s *scanner) end() {
	if s.over > 0 {
		s.over--
		return
	}
	if len(s.open) == 0 {
		return
	}
	top := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.isName, s.place = false, elsewhere
	switch top.place {
	case inPart:
		if !s.wrote {
			s.meter.words("")
		}
	case inCandidate:
		if s.finish {
			s.meter.finish(s.index)
		}
	case inResponse:
		s.meter.responded()
	case atUsage:
		if s.usageFrom == len(s.open)+1 {
			s.usageFrom = 0
			s.meter.report(s.usage)
		}
	}
}

// leafEnds takes in a value that is no container.
func (s *scanner) leafEnds() {
	if len(s.leaf) == 0 || s.isName {
		return
	}
	switch text := string(s.leaf); s.place {
	case atIndex:
		s.index, _ = strconv.ParseInt(text, 10, 32)
	case atFinish:
		s.finish = text != "FINISH_REASON_UNSPECIFIED"
	case atBlock:
		s.meter.block()
	}
	s.leaf = s.leaf[:0]
}

// keep adds to the text of a usageMetadata.
func (s *scanner) keep(text []byte) {
	switch {
	case s.usageFrom == 0 || s.tooLong:
	case len(s.usage)+len(text) > maxUsageBytes:
		s.tooLong, s.usage = true, s.usage[:0]
	default:
		s.usage = append(s.usage, text...)
	}
}
