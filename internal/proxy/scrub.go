package proxy

import "bytes"

// minScrubbed is the length below which a key is left alone: so short a text
// occurs by chance, and replacing it would damage answers.
const minScrubbed = 8

// scrubber replaces a key by as many asterisks in bytes on their way to the
// client, whatever pieces they arrive in. The length does not change, so a
// Content-Length stays true.
type scrubber struct{ key []byte }

// newScrubber keeps key, which must stay as it is until the answer is over.
func newScrubber(key []byte) scrubber {
	if len(key) < minScrubbed {
		return scrubber{}
	}
	return scrubber{key: key}
}

// mask replaces every whole key in b, in place.
func (s scrubber) mask(b []byte) {
	if len(s.key) == 0 {
		return
	}
	for {
		i := bytes.Index(b, s.key)
		if i < 0 {
			return
		}
		end := i + len(s.key)
		for j := i; j < end; j++ {
			b[j] = '*'
		}
		b = b[end:]
	}
}

// open is how many bytes at the end of b may be the first of a key whose rest
// is still to come. It is 0 nearly always, so that nothing is held back.
func (s scrubber) open(b []byte) int {
	for n := min(len(s.key)-1, len(b)); n > 0; n-- {
		if bytes.HasPrefix(s.key, b[len(b)-n:]) {
			return n
		}
	}
	return 0
}

// shows reports whether text contains the key.
func (s scrubber) shows(text string) bool {
	return len(s.key) > 0 && bytes.Contains([]byte(text), s.key)
}
