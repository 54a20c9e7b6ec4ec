package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText   = 256
	maxDetail = 1024
)

// cleanText bounds a text of an event and takes out what could forge a second
// line or steer the terminal or page that shows it: names of apps and models
// are chosen by clients. It returns at most limit bytes. Control characters and
// invisible format characters (bidirectional overrides, zero-width ones) become
// U+FFFD, line breaks and tabs a space.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		s = cut(s, limit-len("…")) + "…"
	}
	s = strings.Map(harmless, s) // invalid UTF-8 becomes U+FFFD too
	if len(s) > limit {          // replacements are longer than what they replace
		s = cut(s, limit-len("…")) + "…"
	}
	return s
}

// isPlain says of nearly all texts that there is nothing to clean nor to escape.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return true
}

func cut(s string, limit int) string {
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func harmless(r rune) rune {
	switch {
	case r == '\n', r == '\r', r == '\t':
		return ' '
	case unicode.Is(unicode.C, r), unicode.In(r, unicode.Zl, unicode.Zp):
		return utf8.RuneError
	}
	return r
}
