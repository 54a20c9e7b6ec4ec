// Package wildcard matches names against globs: "*" is any run of characters,
// the empty one included, "?" exactly one character, everything else itself.
//
// It guarantees an answer within len(glob) × len(name) steps, whatever the
// glob. It refuses to know more: no classes, no escapes, no case folding.
package wildcard

import "unicode/utf8"

// Match says whether a glob matches the whole of a name.
func Match(glob, name string) bool {
	star, resume := -1, 0 // the last star, and where in name to go on from it
	g, n := 0, 0
	for n < len(name) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, resume = g, n
			g++
		case g < len(glob) && glob[g] == '?':
			g++
			n += width(name[n:])
		case g < len(glob) && glob[g] == name[n]:
			g++
			n++
		case star >= 0:
			resume += width(name[resume:])
			g, n = star+1, resume
		default:
			return false
		}
	}
	for g < len(glob) && glob[g] == '*' {
		g++
	}
	return g == len(glob)
}

// width is the length in bytes of the first character of s.
func width(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
