package policy

import (
	"strings"
	"unicode/utf8"
)

// bareModel drops the "models/" that Gemini puts before its model names.
func bareModel(model string) string { return strings.TrimPrefix(model, "models/") }

// matchModel says whether a glob matches the whole of a model's name:
// "*" is any run of characters, the empty one included, "?" exactly one
// character, everything else itself. It never takes longer than
// len(glob) × len(model) steps, whatever the glob.
func matchModel(glob, model string) bool {
	g, m := bareModel(glob), bareModel(model)
	star, resume := -1, 0 // the last star, and where in m to go on from it
	gi, mi := 0, 0
	for mi < len(m) {
		switch {
		case gi < len(g) && g[gi] == '*':
			star, resume = gi, mi
			gi++
		case gi < len(g) && g[gi] == '?':
			gi++
			mi += width(m[mi:])
		case gi < len(g) && g[gi] == m[mi]:
			gi++
			mi++
		case star >= 0:
			resume += width(m[resume:])
			gi, mi = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(g[gi:], "*") == ""
}

// width is the length in bytes of the first character of s.
func width(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// matchingModel returns the first glob that matches.
func matchingModel(globs []string, model string) (string, bool) {
	for _, g := range globs {
		if matchModel(g, model) {
			return g, true
		}
	}
	return "", false
}
