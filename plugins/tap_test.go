package plugins

import (
	"encoding/json"
	"strings"
	"testing"
)

func tapped(text string, cuts []byte, limit int) string {
	tap := NewMemberTap("usage", limit)
	for _, piece := range cutAt([]byte(text), cuts).pieces {
		tap.Watch(piece)
	}
	return strings.TrimSpace(string(tap.Value()))
}

func TestMemberTap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, in, want string }{
		{"first", `{"usage":{"a":1},"b":2}`, `{"a":1}`},
		{"last", ` { "b" : [1,{"usage":0}] , "usage" : {"a":[1,2]} } `, `{"a":[1,2]}`},
		{"number", `{"usage":12}`, `12`},
		{"null", `{"usage":null}`, `null`},
		{"brackets in a string", `{"x":"}],\"usage\":1","usage":"{\\\"}"}`, `"{\\\"}"`},
		{"nested only", `{"x":{"usage":1}}`, ``},
		{"a value of that name", `{"x":"usage"}`, ``},
		{"a longer name", `{"usages":1,"usag":2,"xusage":3}`, ``},
		{"last counts", `{"usage":1,"usage":2}`, `2`},
		{"not finished", `{"usage":{"a":1}`, ``},
		{"after the end", `{"a":1}{"usage":1}`, ``},
		{"an array", `[{"usage":1}]`, ``},
		{"an array around", `["usage",1]`, ``},
		{"not JSON", `<html>"usage":1</html>`, ``},
		{"nothing", ``, ``},
		{"closing first", `}{"usage":1}`, ``},
		{"too long", `{"usage":"` + strings.Repeat("x", 100) + `"}`, ``},
		{"a long one before", `{"x":"` + strings.Repeat("x", 100) + `","usage":1}`, `1`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, cuts := range [][]byte{nil, {0}, {1}, {2, 0, 5}} {
				if got := tapped(row.in, cuts, 64); got != row.want {
					t.Errorf("cut %v: got %q, want %q", cuts, got, row.want)
				}
			}
		})
	}
}

func TestMemberTapBoundsMemory(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat("x", 64<<10))
	for _, start := range []string{`{"`, `{"usage":"`, `{"x":"`, `{"usage":[`} {
		tap := NewMemberTap("usage", 64)
		tap.Watch([]byte(start))
		for range 16 {
			tap.Watch(long)
		}
		if kept := cap(tap.value) + cap(tap.found); kept > 1024 {
			t.Errorf("%s...: keeps %d bytes", start, kept)
		}
	}
}

// FuzzMemberTap compares the tap with a parser that sees the whole text.
func FuzzMemberTap(f *testing.F) {
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		got := tapped(string(data), cuts, 1<<20)
		if whole := tapped(string(data), nil, 1<<20); got != whole {
			t.Fatalf("%q: cut %q, whole %q", data, got, whole)
		}
		o, err := ParseObject(data)
		if err != nil {
			return
		}
		want, _ := o.Value("usage")
		if got != string(want) {
			t.Fatalf("%q: got %q, want %q", data, got, want)
		}
		if want != nil && !json.Valid([]byte(got)) {
			t.Fatalf("%q: %q is not JSON", data, got)
		}
	})
}
