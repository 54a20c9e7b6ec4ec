package policy

import (
	"os"
	"reflect"
	"testing"
	"time"

	json2 "github.com/go-json-experiment/json"
)

// FuzzParse asserts that whatever is accepted is a valid document, survives a
// round trip, and can be shown and decided without a panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseAll(data, noon)
		if err != nil {
			if _, ok := err.(*DocumentError); !ok {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		for _, d := range all {
			if err := d.Validate(); err != nil {
				t.Fatalf("accepted, but not valid: %v", err)
			}
			encoded, err := json2.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(encoded, noon.Add(-time.Hour))
			if err != nil || !reflect.DeepEqual(again, d) {
				t.Fatalf("round trip of %s: %+v, %v", encoded, again, err)
			}
			if len(d.Sentences(time.UTC)) == 0 {
				t.Fatal("nothing to show")
			}
			_, _ = Decide(d, Request{AppStatus: "active", Resource: d.Resource, Action: "a", Model: "m", Time: noon})
		}
	})
}

// FuzzGlob holds the matcher against the plainest definition of a glob.
func FuzzGlob(f *testing.F) {
	f.Add("gpt-4o*", "gpt-4o-mini")
	f.Fuzz(func(t *testing.T, glob, model string) {
		if len(glob) > 12 || len(model) > 24 {
			return // the definition below is exponential
		}
		g, m := bareModel(glob), bareModel(model)
		if got, want := matchModel(glob, model), plainlyMatches(g, m); got != want {
			t.Fatalf("matchModel(%q, %q) = %v", glob, model, got)
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

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"FuzzParse", "FuzzGlob"} {
		seeds, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(seeds) < 5 {
			t.Errorf("%s has %d committed seeds (%v), want at least 5", target, len(seeds), err)
		}
	}
}
