package plugins

import "strings"

// PlainPath reports whether a path can be read in one way only: it has a leading
// slash, printable ASCII, and nothing that some server decodes, cleans or cuts
// off (escapes, dot segments, empty segments, backslashes, path parameters).
// Dialects match endpoints on plain paths alone and refuse all others.
func PlainPath(path string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`%\;?#`, r) }
	return strings.HasPrefix(path, "/") &&
		!strings.Contains(path, "//") &&
		!strings.Contains(path+"/", "/./") &&
		!strings.Contains(path, "..") &&
		!strings.ContainsFunc(path, odd)
}
