package proxy

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// However an answer is cut into pieces, what comes out is the answer with each
// key replaced, and nothing is held back that cannot be the beginning of one.
func TestScrubberOverPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := []byte(rapid.StringMatching(`[ab]{8,12}`).Draw(t, "key"))
		text := []byte(rapid.StringMatching(`[abc]{0,200}`).Draw(t, "text"))
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = append(text[:at:at], append(bytes.Clone(key), text[at:]...)...)
		}
		want := bytes.ReplaceAll(text, key, bytes.Repeat([]byte("*"), len(key)))
		s := newScrubber(key)
		var out, held []byte
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			data := append(bytes.Clone(held), rest[:n]...)
			rest = rest[n:]
			s.mask(data)
			open := s.open(data)
			if open > 0 && !bytes.HasPrefix(key, data[len(data)-open:]) {
				t.Fatalf("held back %q", data[len(data)-open:])
			}
			out, held = append(out, data[:len(data)-open]...), data[len(data)-open:]
		}
		out = append(out, held...)
		if len(out) != len(text) || bytes.Contains(out, key) {
			t.Fatalf("key %q, text %q, out %q, want like %q", key, text, out, want)
		}
	})
}

// A very short key would be found everywhere by chance.
func TestShortKeysAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := []byte("a local key")
	if s := newScrubber([]byte("local")); string(b) != "a local key" || s.open(b) != 0 || s.shows("local") {
		t.Error("a short key was looked for")
	} else if s.mask(b); string(b) != "a local key" {
		t.Errorf("%q", b)
	}
}
