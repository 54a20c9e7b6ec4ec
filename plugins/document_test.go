package plugins

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `[]`, ` [1,{"a":[{"b":null}]}] `, `"x"`, `7`, `true`, `null`, `{"a\u0062":1}`, `{"A":1,"a":2}`} {
		if err := CheckJSON([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		``, ` `, "\ufeff{}", `{}{}`, `[] x`, `[1,]`, `{"a":1,"a":2}`, `[{"a":1,"\u0061":2}]`, "\"\xff\"", `"\ud800"`, `01`, `NaN`, `[`, `{`, `]`, "\"\n\"",
		strings.Repeat("[", 200) + strings.Repeat("]", 200), `7 8`, `"a" "b"`,
	} {
		if err := CheckJSON([]byte(text)); err == nil {
			t.Errorf("%.40q was accepted", text)
		}
	}
}

func TestParseObjects(t *testing.T) {
	t.Parallel()
	text := []byte(` [ {"a":1} , {"model":"x"} ] `)
	objects, err := ParseObjects(text, 2, "model")
	if err != nil || len(objects) != 2 {
		t.Fatalf("got %v, %v", objects, err)
	}
	if err := objects[0].Set("a", []byte("2")); err != nil || string(objects[0].Bytes()) != `{"a":2}` || string(text) != ` [ {"a":1} , {"model":"x"} ] ` {
		t.Errorf("got %s and %s, %v", objects[0].Bytes(), text, err)
	}
	for _, bad := range []string{``, `{}`, `[]`, `[1]`, `[{},{},{}]`, `[{},[]]`, `[null]`, `[{"Model":"x"}]`, `[{"a":1,"a":2}]`, `[{}] x`, `[{"\u006dodel":1}]`} {
		if _, err := ParseObjects([]byte(bad), 2, "model"); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestCheckPlainJSON(t *testing.T) {
	t.Parallel()
	if err := CheckPlainJSON(map[string][]string{"Content-Type": {"application/json; charset=UTF-8"}, "Content-Encoding": {"identity"}}); err != nil {
		t.Error(err)
	}
	for _, h := range []map[string][]string{
		{}, {"Content-Type": {"text/plain"}}, {"Content-Type": {"application/json", "application/json"}},
		{"Content-Type": {"application/json; charset=utf-16"}}, {"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}},
	} {
		if err := CheckPlainJSON(h); err == nil {
			t.Errorf("%v was accepted", h)
		}
	}
}

func TestCheckNoQuery(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"": true, "api-version=1": true, "beta=true": true, "model=x": false, "Model=x": false, "mo-del=x": false, "%6dodel=x": false, "a;b": false, "%zz": false,
		strings.Repeat("a", 5000): false,
	} {
		if err := CheckNoQuery(raw, "model"); (err == nil) != ok {
			t.Errorf("%.40s: %v", raw, err)
		}
	}
}

// FuzzCheckJSON holds that what is accepted is JSON for a lenient reader too.
func FuzzCheckJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if CheckJSON(data) == nil && !json.Valid(data) {
			t.Fatalf("%q is accepted and no JSON", data)
		}
		if objects, err := ParseObjects(data, 100, "model"); err == nil {
			var theirs []map[string]json.RawMessage
			if err := json.Unmarshal(data, &theirs); err != nil || len(theirs) != len(objects) {
				t.Fatalf("%q: %d objects, there %d, %v", data, len(objects), len(theirs), err)
			}
		}
	})
}
