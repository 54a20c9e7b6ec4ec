package wildcard

import (
	"os"
	"strings"
	"testing"
)

// FuzzMatch holds the matcher against the plainest definition of a glob.
func FuzzMatch(f *testing.F) {
	f.Add("gpt-4o*", "gpt-4o-mini")
	f.Fuzz(func(t *testing.T, glob, name string) {
		if len(glob) > 12 || len(name) > 24 {
			return // the definition below is exponential
		}
		if got, want := Match(glob, name), plainlyMatches(glob, name); got != want {
			t.Fatalf("Match(%q, %q) = %v", glob, name, got)
		}
	})
}

func plainlyMatches(glob, s string) bool {
	switch {
	case glob == "":
		return s == ""
	case glob[0] == '*':
		return plainlyMatches(glob[1:], s) || s != "" && plainlyMatches(glob, s[width(s):])
	case s == "":
		return false
	case glob[0] == '?':
		return plainlyMatches(glob[1:], s[width(s):])
	}
	return glob[0] == s[0] && plainlyMatches(glob[1:], s[1:])
}

// A glob made to be slow is not: it ends.
func TestMatchEnds(t *testing.T) {
	t.Parallel()
	if Match(strings.Repeat("a*", 60)+"b", strings.Repeat("a", 128)) {
		t.Error("matched")
	}
}

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzMatch"); err != nil || len(seeds) < 5 {
		t.Errorf("%d committed seeds (%v), want at least 5", len(seeds), err)
	}
}
