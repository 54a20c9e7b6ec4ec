package proxy

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strconv"
)

// minScrubbed is the length below which a key is left alone: so short a text
// occurs by chance, and replacing it would damage answers.
const minScrubbed = 8

// scrubber replaces a key by as many asterisks in bytes on their way to the
// client, whatever pieces they arrive in. The length does not change, so a
// Content-Length stays true.
//
// It knows the key as it is, percent-encoded, inside of base64, and with any
// of its characters escaped as JSON allows.
type scrubber struct {
	key       []byte
	spellings [][]byte // to be found byte for byte, the key first
	escapable bool     // JSON has a short escape for one of its characters
}

// newScrubber keeps key, which must stay as it is until the answer is over.
func newScrubber(key []byte) scrubber {
	if len(key) < minScrubbed {
		return scrubber{}
	}
	s := scrubber{key: key, spellings: append(make([][]byte, 0, maxSpellings), key), escapable: bytes.ContainsAny(key, `/"\`)}
	if bytes.ContainsFunc(key, reserved) {
		s.spellings = append(s.spellings, []byte(url.QueryEscape(string(key))))
	}
	size := base64.RawStdEncoding.EncodedLen(2 + len(key))
	room := make([]byte, 2+len(key)+3*size)
	shifted, room := room[:2+len(key)], room[2+len(key):]
	defer clear(shifted)
	copy(shifted[2:], key)
	for before := range 3 {
		inside := insideBase64(base64.RawStdEncoding, room[before*size:before*size:len(room)], shifted[2-before:], before)
		s.spellings = append(s.spellings, inside)
		if bytes.ContainsAny(inside, "+/") { // which are others in URLs
			s.spellings = append(s.spellings, insideBase64(base64.RawURLEncoding, nil, shifted[2-before:], before))
		}
	}
	return s
}

// reserved says that a character is another when it is percent-encoded.
func reserved(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~')
}

// maxSpellings are the key itself, its percent-encoding, and three places in
// each of two kinds of base64.
const maxSpellings = 8

// insideBase64 is what of the key's base64 does not depend on its neighbours,
// when the bytes before it are 3n+before. In shifted there are as many zeros. It
// is written to room, which is empty.
func insideBase64(encoding *base64.Encoding, room, shifted []byte, before int) []byte {
	encoded := encoding.AppendEncode(room, shifted)
	return encoded[(8*before+5)/6 : 8*len(shifted)/6]
}

// forget wipes the copies of the key. Nothing is masked afterwards.
func (s *scrubber) forget() {
	for _, spelling := range s.spellings[min(1, len(s.spellings)):] {
		clear(spelling)
	}
	*s = scrubber{}
}

// mask replaces every whole key in b, in place.
func (s scrubber) mask(b []byte) {
	for _, spelling := range s.spellings {
		for rest := b; ; {
			i := bytes.Index(rest, spelling)
			if i < 0 {
				break
			}
			rest = cover(rest, i, i+len(spelling))
		}
	}
	if len(s.key) == 0 {
		return
	}
	first := s.firstEscape(b)
	for i := max(0, first-len(s.key)); first >= 0 && i < len(b); i++ {
		if n, whole := s.escapedAt(b[i:]); whole {
			cover(b, i, i+n)
		}
	}
}

// firstEscape is where an escaped character of the key may be, or below 0. The
// key begins at most its own length before.
func (s scrubber) firstEscape(b []byte) int {
	if s.escapable {
		return bytes.IndexByte(b, '\\')
	}
	return bytes.Index(b, []byte(`\u00`))
}

func cover(b []byte, from, to int) (rest []byte) {
	for i := from; i < to; i++ {
		b[i] = '*'
	}
	return b[to:]
}

// escapedAt says how many bytes of b the key takes, written as the inside of a
// JSON string; not whole, when b ends before the key does.
func (s scrubber) escapedAt(b []byte) (n int, whole bool) {
	for _, c := range s.key {
		size, match := charAt(b[n:], c)
		if !match {
			return 0, false
		}
		if n += size; n > len(b) {
			return len(b), false
		}
	}
	return n, true
}

// charAt says whether b begins with c, as itself or escaped, and in how many
// bytes. One that b ends in the middle of is a match, larger than b.
func charAt(b []byte, c byte) (size int, match bool) {
	const escape = `\u00`
	switch {
	case len(b) == 0:
		return 1, true
	case b[0] != '\\':
		return 1, b[0] == c && c != '\\'
	case len(b) == 1:
		return 2, true
	case b[1] != 'u':
		return 2, b[1] == c && (c == '/' || c == '"' || c == '\\')
	case len(b) < 6:
		return 6, bytes.HasPrefix([]byte(escape), b[:min(len(b), len(escape))])
	}
	code, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return 6, err == nil && code == uint64(c)
}

// open is how many bytes at the end of b may be the first of a key whose rest
// is still to come. It is 0 nearly always, so that nothing is held back.
func (s scrubber) open(b []byte) int {
	most := 0
	for _, spelling := range s.spellings {
		for n := min(len(spelling)-1, len(b)); n > most; n-- {
			if bytes.HasPrefix(spelling, b[len(b)-n:]) {
				most = n
			}
		}
	}
	if len(s.key) == 0 {
		return 0
	}
	for n := min(longest(s.key)-1, len(b)); n > most; n-- {
		if size, whole := s.escapedAt(b[len(b)-n:]); size == n && !whole {
			return n
		}
	}
	return most
}

// longest is the most bytes a key takes when it is escaped.
func longest(key []byte) int { return 6 * len(key) }

// unquoted is what went wrong with a try, for the log: net/http quotes what it
// cannot read, in which a provider may have put the key.
func (t *try) unquoted(err error) string {
	text := []byte(err.Error())
	s := newScrubber(t.secret.Bytes())
	defer s.forget()
	s.mask(text)
	return string(text)
}

// shows reports whether text contains the key, which no spelling makes shorter.
func (s scrubber) shows(text string) bool {
	if len(text) < len(s.key) {
		return false
	}
	b := []byte(text)
	s.mask(b)
	return string(b) != text
}
