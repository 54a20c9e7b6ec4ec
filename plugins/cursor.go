package plugins

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Cursor goes through a JSON text from value to value, and remembers nothing of
// it. It checks nothing either: whether the text is valid, in the strict or in a
// lenient way, is for [jsontext.Value.IsValid] to say, before or after. What a
// cursor finds in any other text means nothing, but it stays within the text and
// comes to its end.
//
//	for c.Enter(); c.More(); {
//		name, value := c.Name(), c.Value()
//	}
type Cursor struct {
	text []byte
	at   int

	names   int // of members within the containers that were taken whole
	deepest int // how far those were nested
}

// NewCursor begins before the first value of text, which must not change.
func NewCursor(text []byte) Cursor { return Cursor{text: text} }

// Kind is that of the value that comes next: one of n t f " 0 { [, or } or ]
// where an object or an array ends, or 0 at the end of the text.
func (c *Cursor) Kind() jsontext.Kind {
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; b {
		case ' ', '\n', '\r', '\t', ',', ':':
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return '0'
		default:
			return jsontext.Kind(b)
		}
	}
	return 0
}

// Enter goes into the object or the array that comes next.
func (c *Cursor) Enter() {
	if c.Kind() != 0 {
		c.at++
	}
}

// More reports whether there is another member or element; it leaves the object
// or the array when there is none.
func (c *Cursor) More() bool {
	switch c.Kind() {
	case '}', ']':
		c.at++
		return false
	case 0:
		return false
	}
	return true
}

// Value takes the value that comes next, whole. It is a part of the text.
func (c *Cursor) Value() jsontext.Value {
	kind := c.Kind()
	start := c.at
	switch kind {
	case '"':
		c.skipString()
	case '{', '[':
		c.skipNested()
	case 0:
	default:
		c.skipLiteral()
	}
	return c.text[start:c.at:c.at]
}

// Name takes the name of the member that comes next, without its quotes and
// escapes.
func (c *Cursor) Name() []byte {
	quoted := c.Value()
	if len(quoted) < len(`""`) {
		return nil
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	name, _ := jsontext.AppendUnquote(nil, quoted)
	return name
}

// skipString goes past the string that begins here: to a quote behind an even
// number of backslashes.
func (c *Cursor) skipString() {
	for c.at++; c.at < len(c.text); {
		n := bytes.IndexByte(c.text[c.at:], '"')
		if n < 0 {
			c.at = len(c.text)
			return
		}
		quote := c.at + n
		before := quote
		for before > c.at && c.text[before-1] == '\\' {
			before--
		}
		c.at = quote + 1
		if (quote-before)%2 == 0 {
			return
		}
	}
}

func (c *Cursor) skipNested() {
	for depth := 0; c.at < len(c.text); {
		switch c.text[c.at] {
		case '"':
			c.skipString()
			continue
		case '{', '[':
			depth++
			c.deepest = max(c.deepest, depth)
		case '}', ']':
			depth--
		case ':':
			c.names++
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// skipLiteral goes past a number or one of JSON's words, and past one byte at
// least of what is neither.
func (c *Cursor) skipLiteral() {
	for c.at++; c.at < len(c.text); c.at++ {
		switch c.text[c.at] {
		case ' ', '\n', '\r', '\t', ',', ':', '}', ']':
			return
		}
	}
}
