package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxQueryBytes = 8 << 10
	maxValueBytes = 2 << 10
)

// allowQuery writes a query anew from those parameters that the manifest lists,
// each given once. Others are refused, not dropped: the answer would be to
// another question.
func allowQuery(raw string, allowed []string) (string, error) {
	if raw == "" {
		return "", nil
	}
	if len(raw) > maxQueryBytes {
		return "", plugins.Invalid("", fmt.Sprintf("the query is longer than %d bytes", maxQueryBytes))
	}
	given, err := url.ParseQuery(raw)
	if err != nil {
		return "", plugins.Invalid("", "the query is malformed")
	}
	for name, values := range given {
		switch {
		case !slices.Contains(allowed, name):
			return "", plugins.Invalid("", "the query has a parameter that this endpoint does not take; leave it out")
		case len(values) > 1:
			return "", plugins.Invalid(name, "the query has the parameter "+name+" twice")
		case len(values[0]) > maxValueBytes || !utf8.ValidString(values[0]) || strings.ContainsFunc(values[0], unicode.IsControl):
			return "", plugins.Invalid(name, fmt.Sprintf("the parameter %s must be at most %d bytes of text", name, maxValueBytes))
		}
	}
	return given.Encode(), nil
}
