package openai

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// tools is what a request offers a model.
type tools struct {
	any    bool
	hosted bool // some are run by the provider, which feeds the model what they find
}

// local are the types of tools that the app runs itself: what they find comes
// with the app's next request.
func local() []string {
	return []string{"function", "custom", "local_shell", "computer", "computer_use_preview", "apply_patch", "namespace"}
}

// readTools reads tools and functions. A tool that the provider runs must not
// name a model: it would be one the policy never saw.
func readTools(body *plugins.Object) (tools, error) {
	functions, _, err := body.Len("functions")
	if err != nil {
		return tools{}, err
	}
	n, given, err := body.Len("tools")
	if err != nil || !given {
		return tools{any: functions > 0}, err
	}
	t := tools{any: n > 0 || functions > 0}
	raw, _ := body.Value("tools")
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if _, err := dec.ReadToken(); err != nil {
		return tools{}, plugins.Invalid("tools", "tools must be an array")
	}
	for range n {
		tool, err := dec.ReadValue()
		if err != nil {
			return tools{}, plugins.Invalid("tools", "tools must be an array of objects")
		}
		if isLocal(tool) {
			continue
		}
		t.hosted = true
		if draws(tool) {
			return tools{}, plugins.Invalid("tools", "pictures that a model makes with image_generation have a price of their own, which the gateway cannot count; make them with /v1/images/generations")
		}
		if namesModel(tool) {
			return tools{}, plugins.Invalid("tools", "a tool must not name a model of its own; leave it out")
		}
	}
	return t, nil
}

// isLocal knows a tool that the app runs by its type; chats may leave the type
// of a function out.
func isLocal(tool jsontext.Value) bool {
	object, err := plugins.ParseObject(tool, "type")
	if err != nil {
		return false
	}
	kind, given, err := object.String("type")
	if !given && err == nil {
		_, given = object.Value("function")
		return given || len(object.Names()) == 0
	}
	return err == nil && slices.Contains(local(), kind)
}

// draws reports whether the tool makes pictures: their tokens cost many times what
// those of the model do, whose name they are counted under.
func draws(tool jsontext.Value) bool {
	object, err := plugins.ParseObject(tool, "type")
	if err != nil {
		return false // the provider will refuse it
	}
	kind, _, err := object.String("type")
	return err == nil && strings.HasPrefix(kind, "image_gen")
}

// namesModel reports whether a member anywhere in value may be taken for model.
func namesModel(value jsontext.Value) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(value))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false // its end: the body has been parsed before
		}
		kind, n := dec.StackIndex(dec.StackDepth())
		if kind == '{' && n%2 == 1 && token.Kind() == '"' && plugins.Mistakable(token.String(), "model", "models") {
			return true
		}
	}
}
