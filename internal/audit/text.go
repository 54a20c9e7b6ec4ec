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

// clean bounds every string of an event and takes out what could forge a
// second line or steer the terminal or page that shows it. Names of apps and
// models are chosen by clients.
func clean(e Event) Event {
	for _, s := range []*string{
		(*string)(&e.Kind), (*string)(&e.Actor), &e.RequestID, &e.AppID, &e.AppName, &e.SessionID,
		&e.PermissionID, &e.Resource, &e.Action, &e.Model, &e.Key, &e.Code, &e.Address,
	} {
		*s = cleanText(*s, maxText)
	}
	e.Detail = cleanText(e.Detail, maxDetail)
	return e
}

// cleanText returns at most limit bytes of s. Control characters and invisible
// format characters (bidirectional overrides, zero-width ones) become U+FFFD,
// line breaks and tabs a space.
func cleanText(s string, limit int) string {
	if len(s) <= limit && isPlain(s) {
		return s
	}
	if len(s) > limit {
		s = cut(s, limit-len("…")) + "…"
	}
	s = strings.Map(harmless, s) // invalid UTF-8 becomes U+FFFD too
	if len(s) > limit {          // replacements are longer than what they replace
		s = cut(s, limit-len("…")) + "…"
	}
	return s
}

// isPlain says of nearly all texts that there is nothing to do.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
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
