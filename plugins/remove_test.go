package plugins

import "testing"

func TestObjectRemove(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ body, name, want string }{
		{`{"a":1}`, "a", `{}`},
		{`{"a":1,"b":{"a":2}}`, "a", `{"b":{"a":2}}`},
		{`{"a":1 , "b":2}`, "b", `{"a":1}`},
		{` { "a" : "x,}" , "b" : 2 , "c":[1] } `, "a", ` { "b" : 2 , "c":[1] } `},
		{`{"a":1,"b":2,"c":3}`, "b", `{"a":1,"c":3}`},
		{`{"a":1}`, "b", `{"a":1}`},
		{`{}`, "b", `{}`},
	} {
		o, err := ParseObject([]byte(row.body))
		if err != nil {
			t.Fatal(err)
		}
		o.Remove(row.name)
		if got := string(o.Bytes()); got != row.want {
			t.Errorf("%s without %s is %s", row.body, row.name, got)
			continue
		}
		if _, there := o.Value(row.name); there {
			t.Errorf("%s still has %s", row.body, row.name)
		}
		again, err := ParseObject(o.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range again.Names() {
			mine, ok := o.Value(name)
			theirs, _ := again.Value(name)
			if !ok || string(mine) != string(theirs) {
				t.Errorf("%s without %s: %s is %s", row.body, row.name, name, mine)
			}
		}
		if err := o.Set("z", []byte("9")); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseObject(o.Bytes()); err != nil {
			t.Errorf("%s without %s, with another: %s", row.body, row.name, o.Bytes())
		}
	}
}
