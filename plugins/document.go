package plugins

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// CheckJSON refuses a body that is not one JSON value which every reader must
// understand alike, in the way [ParseObject] does, but without looking at names
// for their spelling: it is for bodies nobody decides by. Errors are *[Error].
func CheckJSON(data []byte) error {
	if len(data) > MaxObjectBytes {
		return Invalid("", fmt.Sprintf("the body is larger than %d bytes", MaxObjectBytes))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return Invalid("", "the body is empty; send a JSON value")
	}
	c := NewCursor(data)
	if c.Value(); c.deepest <= MaxObjectDepth && c.names <= maxObjectNames && jsontext.Value(data).IsValid() {
		return nil
	}
	return newRefusal(data, nil).ofValue()
}

// ParseObjects reads data as a JSON array of 1 to most objects, each with the
// strictness of [ParseObject]. Edits to an object do not reach data.
func ParseObjects(data []byte, most int, critical ...string) ([]*Object, error) {
	if err := CheckJSON(data); err != nil {
		return nil, err
	}
	c := NewCursor(data)
	if c.Kind() != '[' {
		return nil, Invalid("", "the body must be a JSON array")
	}
	var objects []*Object
	for c.Enter(); c.More(); {
		if len(objects) == most {
			return nil, Invalid("", fmt.Sprintf("the array has more than %d elements", most))
		}
		value := c.Value()
		if value.Kind() != '{' {
			return nil, Invalid("", "every element of the array must be a JSON object")
		}
		object, err := ParseObject(value, critical...)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	if len(objects) == 0 {
		return nil, Invalid("", "the array is empty")
	}
	return objects, nil
}

// Objects reads a member that is an array of at most most objects; none when it
// is absent, null or empty.
func (o *Object) Objects(name string, most int, critical ...string) ([]*Object, error) {
	n, ok, err := o.Len(name)
	if err != nil || !ok || n == 0 {
		return nil, err
	}
	raw, _ := o.Value(name)
	objects, err := ParseObjects(raw, most, critical...)
	if err != nil {
		return nil, Invalid(name, fmt.Sprintf("%s must be an array of at most %d objects, well-formed and without members that could be mistaken for others", name, most))
	}
	return objects, nil
}
