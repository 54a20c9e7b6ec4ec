package plugins

import (
	"strings"
	"unicode"
)

// lookalikes maps the squashed form of each critical name to the name.
func lookalikes(critical []string) map[string]string {
	m := make(map[string]string, len(critical))
	for _, name := range critical {
		m[squash(name)] = name
	}
	return m
}

// squash reduces a name to what the most lenient readers compare: letters and
// digits, whatever their case. It folds as encoding/json does, so that "ſtream"
// (long s) and "toolſ" are seen through.
func squash(name string) string {
	var b strings.Builder
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		b.WriteRune(least)
	}
	return b.String()
}

// Mistakable reports whether a lenient reader may take name for one of critical,
// by itself or in another case or with other separators.
func Mistakable(name string, critical ...string) bool {
	_, ok := lookalikes(critical)[squash(name)]
	return ok
}
