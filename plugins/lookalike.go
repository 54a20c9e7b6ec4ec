package plugins

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// mistaken is the one of critical names that a lenient reader may take name
// for, when that is another one.
func mistaken(name string, critical []string) (want string, ok bool) {
	var space [maxNameBytes]rune
	squashed := squash(space[:0], name)
	for _, c := range critical {
		if isSquashed(squashed, c) {
			want = c
		}
	}
	return want, want != "" && want != name
}

// squash appends what the most lenient readers compare of a name: letters and
// digits, whatever their case.
func squash(dst []rune, name string) []rune {
	for r, rest := significant(name); r >= 0; r, rest = significant(rest) {
		dst = append(dst, r)
	}
	return dst
}

// isSquashed says whether a name squashes to that.
func isSquashed(squashed []rune, name string) bool {
	for _, want := range squashed {
		var r rune
		if r, name = significant(name); r != want {
			return false
		}
	}
	r, _ := significant(name)
	return r < 0
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
	squashed := squash(nil, name)
	return slices.ContainsFunc(critical, func(c string) bool { return isSquashed(squashed, c) })
}
