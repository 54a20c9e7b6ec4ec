package plugins

import (
	"strings"
	"testing"
	"unicode"
)

func TestMistaken(t *testing.T) {
	t.Parallel()
	critical := []string{"model", "max_tokens", "stream"}
	rows := []struct{ name, want string }{
		{"model", ""},
		{"Model", "model"},
		{"mo-del", "model"},
		{"maxTokens", "max_tokens"},
		{"MAXTOKENS", "max_tokens"},
		{"max_to\u212aens", "max_tokens"}, // the sign for kelvin
		{"\u017ftream", "stream"},         // a long s
		{"models", ""},
		{"mode", ""},
		{"", ""},
		{"___", ""},
		{strings.Repeat("_", 2*maxNameBytes) + "model", "model"},
	}
	for _, row := range rows {
		want, ok := mistaken(row.name, critical)
		if ok != (row.want != "") || ok && want != row.want {
			t.Errorf("mistaken(%q) = %q, %v, want %q", row.name, want, ok, row.want)
		}
		if Mistakable(row.name, critical...) != (ok || row.name == "model") {
			t.Errorf("Mistakable(%q) is wrong", row.name)
		}
	}
}

// Every rune folds as encoding/json folds it, the quick way of ASCII included.
func TestEveryRuneFolds(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if got, _ := significant(string(r)); got >= 0 && r < 0xd800 {
				t.Fatalf("%U is significant", r)
			}
			continue
		}
		want, _ := significant(string(r))
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if got, _ := significant(string(f)); got != want && unicode.IsLetter(f) {
				t.Fatalf("%U and %U are not taken for the same", r, f)
			}
		}
	}
}
