package plugins

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzManifest holds that an accepted manifest survives its own JSON, fits the
// published schema, and opens plain paths only.
func FuzzManifest(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if m2, err := ParseManifest(again); err != nil || !reflect.DeepEqual(m, m2) {
			t.Fatalf("%s reads back as %+v, %v", again, m2, err)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatalf("accepted, and no JSON: %v", err)
		}
		if p := readSchema(t).problem("", value); p != "" {
			t.Fatalf("%s is accepted, but not by the schema: %s", text, p)
		}
		for _, o := range Opens(m) {
			if path := strings.NewReplacer("{", "", "}", "").Replace(o.Path); !PlainPath(path) {
				t.Fatalf("%s opens %s", text, o.Path)
			}
		}
	})
}

// FuzzRoutes holds that a path that matches is plain and is the one called
// upstream, less a prefix: nothing of the client's is rewritten on the way.
func FuzzRoutes(f *testing.F) {
	routes, err := NewRoutes(manifestOf(
		Action{Name: "a", Method: "GET", Path: "/users/{id}"},
		Action{Name: "b", Method: "GET", Path: "/users/me"},
		Action{Name: "c", Method: "GET", Path: "/models/{model}:generate"},
		Action{Name: "d", Method: "GET", Path: "/{a}/{b}/{c}:x"},
	), "http", nil, "/v1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		m, ok := routes.Match("GET", path)
		if !ok {
			return
		}
		if !PlainPath(path) || (m.Path != path && "/v1"+m.Path != path) {
			t.Fatalf("%q matches %+v", path, m)
		}
		for name, value := range m.Values {
			if value == "" || strings.ContainsAny(value, `/:%\;?# `) || value[0] == '.' {
				t.Fatalf("%q: %s is %q", path, name, value)
			}
		}
		if again, ok := routes.Match("GET", m.Path); !ok || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q: %+v, again %+v", path, m, again)
		}
	})
}
