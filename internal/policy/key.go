package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKeyLabel is the longest label that a provider key can have, in characters.
const maxKeyLabel = 64

// key reads a label. One that is there and empty is refused: it would not
// restrict.
func (r *reading) key(label *string) string {
	if label == nil {
		return ""
	}
	if *label == "" {
		r.keep(refuse("key", "must be the label of a stored key; leave it out for any"))
	}
	return *label
}

// validateKey wants what can be a label.
func validateKey(label string) error {
	unprintable := func(c rune) bool { return !unicode.IsPrint(c) }
	if !utf8.ValidString(label) || utf8.RuneCountInString(label) > maxKeyLabel ||
		strings.TrimSpace(label) != label || strings.ContainsFunc(label, unprintable) {
		return refuse("key", "must be the label of a stored key, at most %d printable characters", maxKeyLabel)
	}
	return nil
}
