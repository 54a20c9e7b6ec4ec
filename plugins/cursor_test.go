package plugins

import (
	"bytes"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// walk is a text as a cursor tells it, member by member.
func walk(t *testing.T, c *Cursor) (found []string) {
	t.Helper()
	switch kind := c.Kind(); kind {
	case '{':
		for c.Enter(); c.More(); {
			found = append(found, string(c.Name()))
			found = append(found, walk(t, c)...)
		}
	case '[':
		for c.Enter(); c.More(); {
			found = append(found, walk(t, c)...)
		}
	default:
		before := c.at
		value := c.Value()
		if kind != 0 && c.at == before {
			t.Fatalf("%q: stands still at byte %d", c.text, c.at)
		}
		found = append(found, string(value))
	}
	return found
}

// FuzzCursor compares a cursor with a decoder that checks what it reads. Of what
// is not valid nothing is asked but that the cursor comes to its end.
func FuzzCursor(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := NewCursor(data)
		for whole.Kind() != 0 {
			whole.Value()
		}
		if !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			for c := NewCursor(data); c.Kind() != 0; {
				c.Enter()
				c.More()
				c.Name()
			}
			return
		}
		var want []string
		names := 0
		dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		for {
			kind, n := dec.StackIndex(dec.StackDepth())
			isName := kind == '{' && n%2 == 0
			switch dec.PeekKind() {
			case '{', '[', '}', ']':
				_, _ = dec.ReadToken()
				continue
			}
			value, err := dec.ReadValue()
			if err == io.EOF {
				break
			}
			if isName {
				names++
				name, _ := jsontext.AppendUnquote(nil, value)
				value = name
			}
			want = append(want, string(value))
		}
		c := NewCursor(data)
		got := walk(t, &c)
		if len(got) != len(want) {
			t.Fatalf("%q: %q, want %q", data, got, want)
		}
		for i := range want {
			if got[i] != want[i] && jsontext.Value(data).IsValid() {
				t.Fatalf("%q: %q, want %q", data, got, want)
			}
		}
		if whole.names != names {
			t.Fatalf("%q: %d names, want %d", data, whole.names, names)
		}
	})
}

func TestCursorTellsWhereAValueEnds(t *testing.T) {
	t.Parallel()
	c := NewCursor([]byte(` {"a\"\\" : "x\\", "\u0062":[-1.5e3,{"c":[]},true ] , "d":{}} `))
	var got []string
	for c.Enter(); c.More(); {
		got = append(got, string(c.Name()), string(c.Value()))
	}
	want := []string{`a"\`, `"x\\"`, "b", `[-1.5e3,{"c":[]},true ]`, "d", "{}"}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if c.names != 1 || c.deepest != 3 || c.Kind() != 0 {
		t.Errorf("%d names, %d deep, then %q", c.names, c.deepest, c.Kind())
	}
}
