package pairing

import "testing"

func TestNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ a, b string }{
		{"Notes", "notes"},
		{"Notes", "N\u043etes"},                                         // Cyrillic o
		{"Notes", "\u039d\u03bf\u03c4\u03b5s"},                          // Greek
		{"Notes", "\uff2e\uff4f\uff54\uff45\uff53"},                     // full width
		{"Notes", "\U0001d40d\U0001d428\U0001d42d\U0001d41e\U0001d42c"}, // mathematical bold
		{"Notes", "No\u0301tes"},
		{"Notes", "N\u00f3tes"},
		{"Notes", "N0tes"},
		{"Notes", "No tes!"},
		{"Notes", "N.o.t.e.s"},
		{"PayPal", "\u0420\u0430\u0443\u0420\u0430l"},
		{"paypal", "paypaI"},
		{"paypal", "paypa1"},
		{"Moderna", "Modema"},
		{"swap", "svvap"},
		{"office", "o\ufb03ce"},
		{"HTTP", "\u041d\u0422\u0422\u0420"},
		{"stra\u00dfe", "STRASSE"},
	} {
		if skeleton(row.a) != skeleton(row.b) {
			t.Errorf("%q and %q: %q and %q", row.a, row.b, skeleton(row.a), skeleton(row.b))
		}
	}
	for _, row := range []struct{ a, b string }{
		{"Notes", "Note"}, {"Notes", "Votes"}, {"日本", "日木"}, {"Заметки", "Notes"}, {"🗝️", "🔒"}, {"Notes 2", "Notes 3"},
	} {
		if skeleton(row.a) == skeleton(row.b) {
			t.Errorf("%q and %q are taken for one another", row.a, row.b)
		}
	}
	seen := map[rune]rune{}
	for _, s := range shapes {
		for _, r := range s.like {
			if other, twice := seen[r]; twice {
				t.Errorf("U+%04X is like %c and %c", r, other, s.as)
			}
			seen[r] = s.as
		}
	}
}
