package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

var testCritical = []string{"model", "stream", "max_tokens", "models"}

func TestObjectRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, MaxObjectDepth) + strings.Repeat(`]`, MaxObjectDepth)
	for _, row := range []struct{ name, in, param string }{
		{"nothing", ``, ""},
		{"space", " \n", ""},
		{"an array", `[]`, ""},
		{"a string", `"model"`, ""},
		{"null", `null`, ""},
		{"half an object", `{"model":"a"`, ""},
		{"trailing object", `{"model":"a"}{"model":"b"}`, ""},
		{"trailing comma", `{"model":"a",}`, "-"},
		{"trailing brace", `{"model":"a"}}`, ""},
		{"trailing nul", "{\"model\":\"a\"}\x00", ""},
		{"byte order mark", "\ufeff{\"model\":\"a\"}", ""},
		{"UTF-16", "{\x00}\x00", "-"},
		{"invalid UTF-8", "{\"model\":\"\xff\"}", "model"},
		{"lone surrogate", `{"model":"\ud800"}`, "model"},
		{"comment", `{/* */"model":"a"}`, "-"},
		{"single quotes", `{'model':'a'}`, "-"},
		{"NaN", `{"n":NaN}`, "n"},
		{"leading zero", `{"n":01}`, "-"},
		{"same member twice", `{"model":"a","model":"b"}`, "model"},
		{"same member twice, escaped", `{"model":"a","\u006dodel":"b"}`, "model"},
		{"same member twice, deep", `{"a":[{"b":1,"b":2}]}`, "a.0.b"},
		{"escaped member", `{"\u006dodel":"a"}`, "model"},
		{"escaped harmless member", `{"\u0061":1}`, "a"},
		{"upper case", `{"Model":"b"}`, "Model"},
		{"both cases", `{"model":"a","MODEL":"b"}`, "MODEL"},
		{"long s", `{"ſtream":true}`, "ſtream"},
		{"Kelvin sign", `{"max_to` + "\u212a" + `ens":1}`, "max_to\u212aens"},
		{"camel case", `{"maxTokens":1}`, "maxTokens"},
		{"hyphen", `{"max-tokens":1}`, "max-tokens"},
		{"space before", `{" model":"b"}`, " model"},
		{"dot after", `{"model.":"b"}`, "model."},
		{"zero width space", "{\"mo\u200bdel\":\"b\"}", "mo\u200bdel"},
		{"nul in a name", `{"model` + `\u0000":"b"}`, ""},
		{"long name", `{"` + strings.Repeat("x", 129) + `":1}`, ""},
		{"too deep", `{"a":` + deep + `}`, ""},
		{"too deep, objects", `{"a":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseObject([]byte(row.in), testCritical...)
			var refused *Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Code != CodeInvalidRequest {
				t.Fatalf("got %#v, want 400 invalid_request", err)
			}
			if row.param != "-" && refused.Param != row.param {
				t.Errorf("names %q, want %q (%v)", refused.Param, row.param, err)
			}
		})
	}
}

func TestObjectRefusesTooManyMembers(t *testing.T) {
	t.Parallel()
	text := []byte(`{"a":[`)
	for range maxObjectNames {
		text = append(text, `{"b":1},`...)
	}
	text = append(text, `1]}`...)
	if _, err := ParseObject(text); err == nil {
		t.Error("accepted")
	}
	if _, err := ParseObject(make([]byte, MaxObjectBytes+1)); err == nil {
		t.Error("a body over the bound was accepted")
	}
}

func TestObjectReads(t *testing.T) {
	t.Parallel()
	o, err := ParseObject([]byte(`{"s":"g\u0070t","e":"","t":true,"f":false,"i":42,"z":null,"a":[1,[2,3],{}],"o":{"Model":1},"d":`+
		strings.Repeat(`[`, MaxObjectDepth-1)+strings.Repeat(`]`, MaxObjectDepth-1)+`}`), testCritical...)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok, err := o.String("s"); s != "gpt" || !ok || err != nil {
		t.Errorf("s: %q, %v, %v", s, ok, err)
	}
	if s, ok, err := o.String("e"); s != "" || !ok || err != nil {
		t.Errorf("e: %q, %v, %v", s, ok, err)
	}
	if v, ok, err := o.Bool("t"); !v || !ok || err != nil {
		t.Errorf("t: %v, %v, %v", v, ok, err)
	}
	if v, ok, err := o.Bool("f"); v || !ok || err != nil {
		t.Errorf("f: %v, %v, %v", v, ok, err)
	}
	if n, ok, err := o.Int("i", 42); n != 42 || !ok || err != nil {
		t.Errorf("i: %v, %v, %v", n, ok, err)
	}
	if n, ok, err := o.Len("a"); n != 3 || !ok || err != nil {
		t.Errorf("a: %v, %v, %v", n, ok, err)
	}
	if _, ok, err := o.Object("o"); !ok || err != nil {
		t.Errorf("o: %v, %v", ok, err)
	}
	if _, _, err := o.Object("o", "model"); err == nil {
		t.Error("a nested lookalike was accepted")
	}
	for _, absent := range []string{"z", "missing", "S"} {
		_, s, serr := o.String(absent)
		_, b, berr := o.Bool(absent)
		_, i, ierr := o.Int(absent, 9)
		_, l, lerr := o.Len(absent)
		_, n, nerr := o.Object(absent)
		if s || b || i || l || n || errors.Join(serr, berr, ierr, lerr, nerr) != nil {
			t.Errorf("%s counts as given", absent)
		}
	}
	if v, ok := o.Value("z"); !ok || string(v) != "null" {
		t.Errorf("z: %s, %v", v, ok)
	}
}

func TestObjectRefusesWrongTypes(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"x"`, `true`, `7`, `[]`, `{}`} {
		o, err := ParseObject([]byte(`{"v":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		for read, kinds := range map[string]struct {
			fits string
			err  error
		}{
			"String": {`"x"`, errorOf3(o.String("v"))},
			"Bool":   {`true`, errorOf3(o.Bool("v"))},
			"Int":    {`7`, errorOf3(o.Int("v", 9))},
			"Len":    {`[]`, errorOf3(o.Len("v"))},
			"Object": {`{}`, errorOf3(o.Object("v"))},
		} {
			if (kinds.err == nil) != (kinds.fits == value) {
				t.Errorf("%s of %s: %v", read, value, kinds.err)
			}
		}
	}
	for _, number := range []string{"0", "-1", "-0", "1.0", "1e3", "10", "9223372036854775808", "1E0"} {
		o, err := ParseObject([]byte(`{"v":` + number + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.Int("v", 9); err == nil {
			t.Errorf("Int takes %s", number)
		}
	}
}

func errorOf3[T any](_ T, _ bool, err error) error { return err }

func TestObjectSetKeepsAllOtherBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, name, value, want string }{
		{`{}`, "a", `1`, `{"a":1}`},
		{" \n{ \t} \n", "a", `1`, " \n{\"a\":1 \t} \n"},
		{`{"b":2}`, "a", `1`, `{"b":2,"a":1}`},
		{"{ \"b\" : 2 \n}\n", "a", `1`, "{ \"b\" : 2,\"a\":1 \n}\n"},
		{`{"a":{"x":[1,2]},"b":2}`, "a", `null`, `{"a":null,"b":2}`},
		{"{ \"a\" :\t0 , \"b\": 2e1}", "a", `"longer"`, "{ \"a\" :\t\"longer\" , \"b\": 2e1}"},
		{`{"b":"\u00e9 é","a":1}`, "a", `2`, `{"b":"\u00e9 é","a":2}`},
	} {
		before := row.in
		o, err := ParseObject([]byte(row.in))
		if err != nil {
			t.Fatal(err)
		}
		original := o.Bytes()
		if err := o.Set(row.name, []byte(row.value)); err != nil {
			t.Fatal(err)
		}
		if got := string(o.Bytes()); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
		if string(original) != before {
			t.Errorf("the caller's bytes became %q", original)
		}
	}
}

func TestObjectSetTwice(t *testing.T) {
	t.Parallel()
	o, err := ParseObject([]byte(`{"a":1, "b":2, "c":3}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{{"a", `"much longer"`}, {"c", `[]`}, {"d", `4`}, {"b", `{"x":1}`}, {"d", `5`}} {
		if err := o.Set(edit[0], []byte(edit[1])); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := string(o.Bytes()), `{"a":"much longer", "b":{"x":1}, "c":[],"d":5}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := strings.Join(o.Names(), ""); got != "abcd" {
		t.Errorf("names are %s", got)
	}
}

func TestObjectSetRefusesBrokenValues(t *testing.T) {
	t.Parallel()
	o, err := ParseObject([]byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{``, `1,"model":"b"`, `1}`, `{"x":1,"x":2}`, "\"\xff\""} {
		if err := o.Set("a", []byte(value)); err == nil {
			t.Errorf("%q was accepted", value)
		}
	}
	if string(o.Bytes()) != `{"a":1}` {
		t.Errorf("a refused edit left %s", o.Bytes())
	}
}

// FuzzObject compares our reading with that of encoding/json, which matches
// names in any case and lets the last duplicate win: whatever we accept, it must
// read alike, before and after an edit.
func FuzzObject(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ParseObject(data, testCritical...)
		if err != nil {
			return
		}
		compareReadings(t, o, data)
		before := bytes.Clone(data)
		if err := o.Set("max_tokens", []byte("7")); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, data) {
			t.Fatal("Set changed the caller's bytes")
		}
		again, err := ParseObject(o.Bytes(), testCritical...)
		if err != nil {
			t.Fatalf("%q after an edit: %v", o.Bytes(), err)
		}
		compareReadings(t, again, o.Bytes())
		if n, _, err := again.Int("max_tokens", 7); n != 7 || err != nil {
			t.Fatalf("the edit reads as %d, %v", n, err)
		}
		for _, name := range again.Names() {
			old, had := memberOf(data, name)
			now, _ := again.Value(name)
			if name != "max_tokens" && (!had || string(old) != string(now)) {
				t.Fatalf("the edit changed %q from %s to %s", name, old, now)
			}
		}
	})
}

func memberOf(data []byte, name string) ([]byte, bool) {
	o, err := ParseObject(data)
	if err != nil {
		return nil, false
	}
	return o.Value(name)
}

func compareReadings(t *testing.T, o *Object, data []byte) {
	t.Helper()
	var lenient map[string]json.RawMessage
	if err := json.Unmarshal(data, &lenient); err != nil {
		t.Fatalf("we accept %q, encoding/json does not: %v", data, err)
	}
	if len(lenient) != len(o.Names()) {
		t.Fatalf("%q: %d members here, %d there", data, len(o.Names()), len(lenient))
	}
	for _, name := range o.Names() {
		ours, _ := o.Value(name)
		if string(ours) != string(lenient[name]) {
			t.Fatalf("%q: %q is %s here, %s there", data, name, ours, lenient[name])
		}
	}
	var theirs struct {
		Model     any `json:"model"`
		Stream    any `json:"stream"`
		MaxTokens any `json:"max_tokens"`
		Models    any `json:"models"`
	}
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]any{
		"model": theirs.Model, "stream": theirs.Stream, "max_tokens": theirs.MaxTokens, "models": theirs.Models,
	} {
		var here any
		if raw, ok := o.Value(name); ok {
			if err := json.Unmarshal(raw, &here); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(here, there) {
			t.Fatalf("%q: %s is %v here, %v there", data, name, here, there)
		}
	}
}
