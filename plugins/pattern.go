package plugins

import (
	"regexp"
	"slices"
	"strings"
)

const maxPlaceholderBytes = 256 // of what one placeholder matches

// pattern is an action's path, split for matching:
//
//	/models/{model}:generateContent
//	 literal  placeholder + verb
type pattern []segment

type segment struct {
	name string // of the placeholder; empty for a literal
	text string // the literal, or what follows the placeholder, such as :generateContent
}

var (
	segmentShape     = regexp.MustCompile(`^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\{[a-z][a-z0-9_]{0,31}\})(?::[A-Za-z][A-Za-z0-9]{0,31})?$`)
	placeholderShape = regexp.MustCompile(`^[A-Za-z0-9_-](?:[A-Za-z0-9._~-]*[A-Za-z0-9_~-])?$`)
)

// parsePattern reads an action's path; false when it is not made of a leading
// slash and plain segments, or has two placeholders of one name.
func parsePattern(path string) (pattern, bool) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok || strings.Contains(path, "..") {
		return nil, false
	}
	var p pattern
	for text := range strings.SplitSeq(rest, "/") {
		if !segmentShape.MatchString(text) {
			return nil, false
		}
		s := segment{text: text}
		if strings.HasPrefix(text, "{") {
			end := strings.IndexByte(text, '}')
			s = segment{name: text[1:end], text: text[end+1:]}
			if slices.ContainsFunc(p, func(o segment) bool { return o.name == s.name }) {
				return nil, false
			}
		}
		p = append(p, s)
	}
	return p, true
}

// match reads the values of the placeholders from a plain path.
func (p pattern) match(path string) (map[string]string, bool) {
	var values map[string]string
	rest := strings.TrimPrefix(path, "/")
	for i, s := range p {
		part, after, more := strings.Cut(rest, "/")
		if more != (i < len(p)-1) || s.name == "" && part != s.text {
			return nil, false
		}
		rest = after
		if s.name == "" {
			continue
		}
		value, ok := strings.CutSuffix(part, s.text)
		if !ok || len(value) > maxPlaceholderBytes || !placeholderShape.MatchString(value) {
			return nil, false
		}
		if values == nil {
			values = make(map[string]string)
		}
		values[s.name] = value
	}
	return values, true
}

// fill puts values where the placeholders are.
func (p pattern) fill(values map[string]string) string {
	var b strings.Builder
	for _, s := range p {
		b.WriteByte('/')
		b.WriteString(values[s.name])
		b.WriteString(s.text)
	}
	return b.String()
}

// shape is the pattern without the names in it: two actions of one shape and
// method could not be told apart.
func (p pattern) shape() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteByte('/')
		if s.name != "" {
			b.WriteString("{}")
		}
		b.WriteString(s.text)
	}
	return b.String()
}

// compare orders patterns so that the first that matches is the closest: a
// literal before a placeholder, from left to right.
func (p pattern) compare(q pattern) int {
	return slices.CompareFunc(p, q, func(a, b segment) int {
		return strings.Compare(a.rank(), b.rank())
	})
}

func (s segment) rank() string {
	switch {
	case s.name == "":
		return "0"
	case s.text != "":
		return "1"
	}
	return "2"
}
