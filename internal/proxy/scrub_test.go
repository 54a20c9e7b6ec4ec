package proxy

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
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
		out := scrubPieces(t, newScrubber(key), text)
		if len(out) != len(text) || bytes.Contains(out, key) {
			t.Fatalf("key %q, text %q, out %q, want like %q", key, text, out, want)
		}
	})
}

// scrubPieces cuts text into random pieces and masks them as an answer does.
func scrubPieces(t *rapid.T, s scrubber, text []byte) []byte {
	var out, held []byte
	for rest := text; len(rest) > 0; {
		n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
		data := append(bytes.Clone(held), rest[:n]...)
		rest = rest[n:]
		s.mask(data)
		open := s.open(data)
		if open >= longest(s.key) {
			t.Fatalf("held back %d bytes", open)
		}
		out, held = append(out, data[:len(data)-open]...), data[len(data)-open:]
	}
	return append(out, held...)
}

// A key is found in every spelling, and nothing else is touched.
func TestScrubberKnowsSpellings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ab/+"\\-]{8,40}`).Draw(t, "key")
		var text, want strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "keys") {
			plain := rapid.StringMatching(`[ .]{1,20}`).Draw(t, "plain")
			before := rapid.StringMatching(`[xyz]{0,3}`).Draw(t, "before")
			spelling, hidden := key, len(key)
			switch rapid.IntRange(0, 4).Draw(t, "how") {
			case 0:
				spelling = url.QueryEscape(key)
				hidden = len(spelling)
			case 1:
				spelling = base64.StdEncoding.EncodeToString([]byte(before + key))
				hidden = -1
			case 2:
				spelling = base64.URLEncoding.EncodeToString([]byte(before + key))
				hidden = -1
			case 3:
				spelling = escapeSome(t, key)
				hidden = len(spelling)
			}
			text.WriteString(plain + spelling)
			if hidden < 0 { // all but what its neighbours have a part in
				from, to := (8*len(before)+5)/6, 8*(len(before)+len(key))/6
				want.WriteString(plain + spelling[:from] + strings.Repeat("*", to-from) + spelling[to:])
				continue
			}
			want.WriteString(plain + strings.Repeat("*", hidden))
		}
		if out := scrubPieces(t, newScrubber([]byte(key)), []byte(text.String())); string(out) != want.String() {
			t.Fatalf("key %q, text\n%s became\n%s, want\n%s", key, text.String(), out, want.String())
		}
	})
}

// escapeSome writes a key as the inside of a JSON string, in a random way.
func escapeSome(t *rapid.T, key string) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		switch how := rapid.IntRange(0, 2).Draw(t, "escape"); {
		case how == 0:
			fmt.Fprintf(&b, `\u%04x`, c)
		case how == 1 && c != '\\' && c != '"':
			b.WriteByte(c)
		case c == '/' || c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		default:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	return b.String()
}

func TestScrubberForgets(t *testing.T) {
	t.Parallel()
	s := newScrubber([]byte("sk-/secret+key"))
	copies := s.spellings[1:]
	if len(copies) < 4 {
		t.Fatalf("%d copies", len(copies))
	}
	s.forget()
	for _, c := range copies {
		if len(bytes.Trim(c, "\x00")) != 0 {
			t.Errorf("left: %q", c)
		}
	}
	if s.shows("sk-/secret+key") {
		t.Error("it still knows the key")
	}
	(&scrubber{}).forget()
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
