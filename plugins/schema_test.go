package plugins

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// schema is as much of JSON Schema 2020-12 as docs/manifest.schema.json uses.
// An unknown keyword fails to decode, so none is passed over in silence.
type schema struct {
	Dialect       string            `json:"$schema"`
	Title         string            `json:"title"`
	Description   string            `json:"description"`
	Type          string            `json:"type"`
	Enum          []string          `json:"enum"`
	Pattern       string            `json:"pattern"`
	Examples      []string          `json:"examples"`
	MinLength     *int              `json:"minLength"`
	MaxLength     *int              `json:"maxLength"`
	MinItems      *int              `json:"minItems"`
	MaxItems      *int              `json:"maxItems"`
	UniqueItems   bool              `json:"uniqueItems"`
	MaxProperties *int              `json:"maxProperties"`
	Required      []string          `json:"required"`
	Properties    map[string]schema `json:"properties"`
	PropertyNames *schema           `json:"propertyNames"`
	Additional    json.RawMessage   `json:"additionalProperties"`
	Items         *schema           `json:"items"`
}

func readSchema(t *testing.T) schema {
	t.Helper()
	file, err := os.Open("../docs/manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dec := json.NewDecoder(file)
	dec.DisallowUnknownFields()
	var s schema
	if err := dec.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// problem says where a value does not fit, or nothing.
func (s schema) problem(at string, value any) string {
	switch v := value.(type) {
	case string:
		return s.text(at, v)
	case bool:
		if s.Type != "boolean" {
			return at + ": a boolean"
		}
	case []any:
		return s.array(at, v)
	case map[string]any:
		return s.object(at, v)
	default:
		return fmt.Sprintf("%s: %T", at, value)
	}
	return ""
}

func (s schema) text(at, v string) string {
	n := utf8.RuneCountInString(v)
	switch {
	case s.Enum != nil && !slices.Contains(s.Enum, v), s.Enum == nil && s.Type != "string":
		return at + ": another value"
	case s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v):
		return at + ": does not match"
	case s.MinLength != nil && n < *s.MinLength || s.MaxLength != nil && n > *s.MaxLength:
		return at + ": another length"
	}
	return ""
}

func (s schema) array(at string, v []any) string {
	if s.Type != "array" || s.MinItems != nil && len(v) < *s.MinItems || s.MaxItems != nil && len(v) > *s.MaxItems {
		return at + ": not such an array"
	}
	for i, one := range v {
		if s.UniqueItems && slices.ContainsFunc(v[:i], func(o any) bool { return reflect.DeepEqual(o, one) }) {
			return fmt.Sprintf("%s.%d: twice", at, i)
		}
		if p := s.Items.problem(fmt.Sprintf("%s.%d", at, i), one); p != "" {
			return p
		}
	}
	return ""
}

func (s schema) object(at string, v map[string]any) string {
	if s.Type != "object" || s.MaxProperties != nil && len(v) > *s.MaxProperties {
		return at + ": not such an object"
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return at + "." + name + ": missing"
		}
	}
	for name, one := range v {
		inner, ok := s.Properties[name]
		if s.PropertyNames != nil && !regexp.MustCompile(s.PropertyNames.Pattern).MatchString(name) {
			return at + "." + name + ": not such a name"
		}
		if !ok && (string(s.Additional) == "false" || json.Unmarshal(s.Additional, &inner) != nil) {
			return at + "." + name + ": unknown"
		}
		if p := inner.problem(at+"."+name, one); p != "" {
			return p
		}
	}
	return ""
}

// The schema and the types must have the same members: one that is in the types
// alone would be refused by editors, one in the schema alone by the gateway.
func TestSchemaHasTheMembersOfTheTypes(t *testing.T) {
	t.Parallel()
	s := readSchema(t)
	for name, pair := range map[string]struct {
		properties map[string]schema
		of         any
	}{
		"manifest":   {s.Properties, Manifest{}},
		"credential": {s.Properties["credential"].Properties, Credential{}},
		"action":     {s.Properties["actions"].Items.Properties, Action{}},
		"openai":     {s.Properties["openai"].Properties, Side{}},
		"its action": {s.Properties["openai"].Properties["actions"].Items.Properties, Action{}},
	} {
		var tags []string
		of := reflect.TypeOf(pair.of)
		for i := range of.NumField() {
			tag, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if tag != "-" {
				tags = append(tags, tag)
			}
		}
		slices.Sort(tags)
		if got := slices.Sorted(maps.Keys(pair.properties)); !slices.Equal(got, tags) {
			t.Errorf("%s: the schema has %v, the type %v", name, got, tags)
		}
	}
	if got := strings.Join(s.Properties["actions"].Items.Properties["method"].Enum, " "); got != strings.Join(methods, " ") {
		t.Errorf("the methods are %s in the schema", got)
	}
}

func TestSchemaAcceptsWhatShips(t *testing.T) {
	t.Parallel()
	s := readSchema(t)
	files, err := embedded.ReadDir("manifests")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d manifests, %v", len(files), err)
	}
	for _, file := range files {
		text, err := embedded.ReadFile("manifests/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		if p := s.problem(file.Name(), value); p != "" {
			t.Error(p)
		}
	}
}

// What the schema refuses, the gateway must refuse, and what the gateway accepts,
// the schema must accept: it may only be the more lenient of the two.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := readSchema(t)
	for _, edit := range [][2]string{
		{`"id": "llm:openai", `, ``}, {`llm:openai`, `openai`}, {`llm:openai`, `LLM:openai`}, {`"OpenAI"`, `""`}, {`"OpenAI"`, `7`}, {`"OpenAI"`, `"a\nb"`},
		{`https://api.openai.com/v1`, `/v1`}, {`https://api.openai.com/v1`, `ftp://x`}, {`com/v1`, `com/v1/`}, {`com/v1`, `com/v1?x=1`}, {`https://api`, `https://me@api`},
		{`"dialect": "openai"`, `"dialect": "Open AI"`}, {`"Authorization"`, `"A B"`}, {`"Bearer "`, `"Bearer\r\n"`}, {`"header"`, `"none": "yes", "header"`},
		{`"header"`, `"headers"`}, {`[{"name": "models.list", "method": "GET", "path": "/models"}]`, `[]`}, {`"GET"`, `"get"`}, {`"/models"`, `"models"`},
		{`"/models"`, `"/models/{}"`}, {`"/models"`, `"/models/*"`}, {`"/models"`, `"/models?x"`}, {`"/models"`, `"/models", "query": ["a&b"]`},
		{`"/models"`, `"/models", "query": ["a", "a"]`}, {`"docs"`, `"doc"`}, {`"docs": "https`, `"docs": "http`}, {`"docs"`, `"allow_private": "yes", "docs"`},
		{`"docs"`, `"headers": {"X A": "1"}, "docs"`}, {`"docs"`, `"headers": {"X-A": ""}, "docs"`}, {`"docs"`, `"headers": {"X-A": 1}, "docs"`},
		{`"docs"`, `"output_cap": "max", "docs"`}, {`"docs"`, `"output_cap": true, "docs"`},
		{`"docs"`, `"headers": {"X-A": "1 "}, "docs"`}, {`"docs"`, `"pass_headers": ["X A"], "docs"`}, {`"docs"`, `"pass_headers": "X-A", "docs"`},
	} {
		text := strings.Replace(goodManifest, edit[0], edit[1], 1)
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil || text == goodManifest {
			t.Fatalf("%v makes no other manifest: %v", edit, err)
		}
		if s.problem("", value) == "" {
			t.Errorf("%v: the schema accepts it", edit)
		}
		if _, err := ParseManifest([]byte(text)); err == nil {
			t.Errorf("%v: the gateway accepts it", edit)
		}
	}
	var good any
	if err := json.Unmarshal([]byte(goodManifest), &good); err != nil {
		t.Fatal(err)
	}
	if p := s.problem("", good); p != "" {
		t.Error(p)
	}
}
