package openai

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// legible reports whether what a provider sent is JSON, more or less. Being
// strict here would only lose usage.
func legible(data []byte) bool {
	return jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// lenient decodes what a provider sent, when it is [legible] and of the kind.
func lenient(data []byte, into any) bool {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return err == nil
}

// member is the last member of that name of a legible object.
func member(object jsontext.Value, name string) (value jsontext.Value, ok bool) {
	if object.Kind() != '{' {
		return nil, false
	}
	c := plugins.NewCursor(object)
	for c.Enter(); c.More(); {
		if this, v := c.Name(), c.Value(); string(this) == name {
			value, ok = v, true
		}
	}
	return value, ok
}

// text is a legible string without its quotes and escapes; nothing for any other
// value.
func text(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	c := plugins.NewCursor(value)
	return string(c.Name())
}
