package plugins

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// mistaken is the one of critical names that a lenient reader may take name
// for, when that is another one.
func mistaken(name string, critical []string) (want string, ok bool) {
	var (
		room   [maxNameBytes]rune // enough for most
		folded []rune             // the rest of name: a hostile one takes long to read, so once
	)
	first, rest := significant(name)
	for _, c := range critical {
		if c != "" && 'a' <= c[0] && c[0] <= 'z' && rune(c[0]-'a'+'A') != first {
			continue // as most are, so this is quick
		}
		r, after := significant(c)
		if r != first {
			continue
		}
		if folded == nil {
			folded = fold(room[:0], rest)
		}
		if spells(after, folded) {
			want = c
		}
	}
	return want, want != "" && want != name
}

// fold appends the letters and digits of a name, folded.
func fold(to []rune, name string) []rune {
	for {
		var r rune
		if r, name = significant(name); r < 0 {
			return to
		}
		to = append(to, r)
	}
}

// spells says that these are the letters and digits of a name.
func spells(name string, folded []rune) bool {
	for _, want := range folded {
		var r rune
		if r, name = significant(name); r != want {
			return false
		}
	}
	r, _ := significant(name)
	return r < 0
}

// alike says whether the most lenient readers, who compare letters and digits
// whatever their case, may take one name for the other.
func alike(a, b string) bool {
	for {
		var x, y rune
		x, a = significant(a)
		y, b = significant(b)
		if x != y {
			return false
		}
		if x < 0 {
			return true
		}
	}
}

// significant takes the first letter or digit off a name, folded; -1 when there
// is none. It folds as encoding/json does, so that "ſtream" (long s) and
// "toolſ" are seen through.
func significant(name string) (rune, string) {
	for name != "" {
		r, size := rune(name[0]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(name)
		}
		name = name[size:]
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A', name // the least of its orbit, as below
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r, name
		case r < utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			continue
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least, name
	}
	return -1, ""
}

// Mistakable reports whether a lenient reader may take name for one of critical,
// by itself or in another case or with other separators.
func Mistakable(name string, critical ...string) bool {
	return slices.ContainsFunc(critical, func(c string) bool { return alike(name, c) })
}
