package plugins

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// String reads a string member; false when it is absent or null. Another type
// is an *[Error].
func (o *Object) String(name string) (string, bool, error) {
	value, ok := o.given(name)
	if !ok {
		return "", false, nil
	}
	if value.Kind() != '"' {
		return "", false, Invalid(name, name+" must be a string")
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true, nil
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", false, Invalid(name, name+" must be a string")
	}
	return string(text), true, nil
}

// Bool reads a boolean member; false, false when it is absent or null.
func (o *Object) Bool(name string) (value, ok bool, err error) {
	raw, ok := o.given(name)
	if !ok {
		return false, false, nil
	}
	if raw.Kind() != 't' && raw.Kind() != 'f' {
		return false, false, Invalid(name, name+" must be true or false")
	}
	return raw.Kind() == 't', true, nil
}

// Int reads a whole number of at least 1 and at most limit; false when it is
// absent or null. Only plain digits are numbers here: readers disagree about
// what 1e3 or 2.0 is where an integer is wanted.
func (o *Object) Int(name string, limit int64) (int64, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || raw.Kind() != '0' || n < 1 || n > limit {
		return 0, false, Invalid(name, fmt.Sprintf("%s must be a whole number from 1 to %d", name, limit))
	}
	return n, true, nil
}

// Len counts the elements of an array member; false when it is absent or null.
func (o *Object) Len(name string) (int, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return 0, false, nil
	}
	if raw.Kind() != '[' {
		return 0, false, Invalid(name, name+" must be an array")
	}
	n, c := 0, NewCursor(raw)
	for c.Enter(); c.More(); n++ {
		c.Value()
	}
	return n, true, nil
}

// Object reads an object member with the strictness of [ParseObject]; false when
// it is absent or null. Edits to it do not reach o.
func (o *Object) Object(name string, critical ...string) (*Object, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return nil, false, nil
	}
	if raw.Kind() != '{' {
		return nil, false, Invalid(name, name+" must be an object")
	}
	inner, err := ParseObject(raw, critical...)
	if err != nil {
		return nil, false, err
	}
	return inner, true, nil
}

// given is a member's value unless it is absent or null.
func (o *Object) given(name string) (jsontext.Value, bool) {
	raw, ok := o.Value(name)
	return raw, ok && raw.Kind() != 'n'
}
