package policy

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A limit that is spent stays spent in whatever way a new document writes it.
func TestRespelledLimits(t *testing.T) {
	t.Parallel()
	life := func(model string, requests int64) Limit {
		return Limit{Per: Lifetime, Model: model, Requests: requests}
	}
	for _, row := range []struct {
		name          string
		first, second []Limit
		left          int64 // of the second, after 4 requests
	}{
		{"the same", []Limit{life("", 5)}, []Limit{life("", 5)}, 1},
		{"star", []Limit{life("", 5)}, []Limit{life("*", 5)}, 1},
		{"stars", []Limit{life("**", 5)}, []Limit{life("models/*", 5)}, 1},
		{"from star", []Limit{life("*", 5)}, []Limit{life("", 5)}, 1},
		{"narrower in its place", []Limit{life("", 5)}, []Limit{life("gpt-4o", 5)}, 1},
		{"wider in its place", []Limit{life("gpt-4o", 5)}, []Limit{life("gpt*", 5)}, 1},
		{"wider beside it", []Limit{life("gpt-4o", 9)}, []Limit{life("gpt-4o", 9), life("gpt-?o", 5)}, 1},
		{"another way to write the same", []Limit{life("gpt-4o", 5)}, []Limit{life("gpt-4?", 5)}, 1},
		{"crossing", []Limit{life("gpt-*", 5)}, []Limit{life("*4o", 5)}, 1},
		{"narrower beside it", []Limit{life("", 20)}, []Limit{life("", 20), life("gpt-4o", 5)}, 5},
		{"another model", []Limit{life("gpt-4o", 5)}, []Limit{life("o3*", 5)}, 10},
		{"another period", []Limit{life("", 5)}, []Limit{{Per: Day, Requests: 5}}, 5},
		{"none, then again", []Limit{life("", 5)}, []Limit{life("o3", 5), life("", 5)}, 1},
	} {
		b := newBook(t, time.UTC)
		b.use(limits(row.first...), 4)
		second := limits(row.second...)
		for range 2 {
			n := int64(0)
			for ; n < 10; n++ {
				if _, err := b.Reserve("per_a", second, ask); err != nil {
					break
				}
			}
			if n != row.left {
				t.Errorf("%s: %d more passed, want %d", row.name, n, row.left)
			}
			row.left = 0
			if row.name == "another model" {
				row.left = 10
			}
			b.crash()
		}
	}
}

// Names that both globs match are found to be there; names are found by
// trying all short ones.
func TestOverlap(t *testing.T) {
	t.Parallel()
	var names []string
	for _, a := range []string{"", "a", "b"} {
		for _, b := range []string{"", "a", "b"} {
			for _, c := range []string{"", "a", "b"} {
				for _, d := range []string{"", "a", "b"} {
					names = append(names, a+b+c+d)
				}
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		one := countedModel(rapid.StringMatching(`[ab?*]{1,3}`).Draw(rt, "one"))
		other := countedModel(rapid.StringMatching(`[ab?*]{1,3}`).Draw(rt, "other"))
		found, all := false, true
		for _, name := range names {
			inOne, inOther := one == "" || matchModel(one, name), other == "" || matchModel(other, name)
			found = found || inOne && inOther
			all = all && (inOne || !inOther)
		}
		if found && !overlap(one, other) || overlap(one, other) != overlap(other, one) {
			rt.Fatalf("%q and %q: overlap is %v, a name is found %v", one, other, overlap(one, other), found)
		}
		if !found && overlap(one, other) && len(one)+len(other) <= 4 {
			rt.Fatalf("%q and %q overlap in no short name", one, other)
		}
		if covers(one, other) && !all && !hasWild(other) {
			rt.Fatalf("%q does not cover %q", one, other)
		}
	})
}

func hasWild(glob string) bool {
	for _, c := range glob {
		if c == '*' || c == '?' {
			return true
		}
	}
	return false
}
