package pairing

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

const (
	maxNameRunes   = 80
	maxReasonRunes = 200
	maxURIBytes    = 512
)

// cleanText returns an app's own words fit to be shown to the owner: runs of
// white space become one space. It refuses what could make the text read as
// another one, or as part of the page around it: control characters,
// bidirectional overrides, invisible and unassigned ones, piled-up marks.
func cleanText(text string, most int) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	runes, marks := 0, 0
	for _, r := range text {
		runes++
		marks++
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		}
		if !unicode.IsPrint(r) || invisible(r) || r == unicode.ReplacementChar {
			return "", fmt.Errorf("must not contain control, formatting or invisible characters (U+%04X)", r)
		}
		if marks > 3 {
			return "", errors.New("must not pile up combining marks")
		}
	}
	if runes < 1 || runes > most {
		return "", fmt.Errorf("must have 1 to %d characters", most)
	}
	return text, nil
}

// invisible finds characters that count as letters or symbols and show
// nothing: fillers, and the empty Braille pattern.
func invisible(r rune) bool {
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || r == '\u2800'
}

var errURI = errors.New("must be an absolute http or https URL of at most 512 visible ASCII characters, without user name")

// cleanURI returns an app's home page if it is one that can be shown as a link.
func cleanURI(uri string) (string, error) {
	if len(uri) > maxURIBytes || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errURI
	}
	u, err := url.Parse(uri)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return "", errURI
	}
	return u.String(), nil
}
