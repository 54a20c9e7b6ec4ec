package policy

import (
	"os"
	"reflect"
	"testing"
	"time"

	json2 "github.com/go-json-experiment/json"
)

// FuzzParse asserts that whatever is accepted is a valid document, survives a
// round trip, and can be shown and decided without a panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseAll(data, noon)
		if err != nil {
			if _, ok := err.(*DocumentError); !ok {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		for _, d := range all {
			if err := d.Validate(); err != nil {
				t.Fatalf("accepted, but not valid: %v", err)
			}
			encoded, err := json2.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(encoded, noon.Add(-time.Hour))
			if err != nil || !reflect.DeepEqual(again, d) {
				t.Fatalf("round trip of %s: %+v, %v", encoded, again, err)
			}
			if len(d.Sentences(time.UTC)) == 0 {
				t.Fatal("nothing to show")
			}
			_, _ = Decide(d, Request{AppStatus: "active", Resource: d.Resource, Action: "a", Model: "m", Time: noon, Zone: time.UTC})
			if ends := d.Until(noon, time.UTC); !ends.IsZero() && ends.Before(noon) {
				t.Fatalf("holds until %v", ends)
			}
		}
	})
}

// FuzzParseRequest asserts that whatever is accepted can be tested, and comes
// back from JSON as it was.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"action":"chat.completions","model":"gpt-4o","address":"203.0.113.7"}`))
	d, err := Parse([]byte(whole), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		req, err := ParseRequest(data, d, noon)
		if err != nil {
			if _, ok := err.(*RequestError); !ok {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		req.Zone = time.UTC
		if checks, err := Test(d, req, nil); err != nil || len(checks) != len(rules)+len(ledgerRules) {
			t.Fatalf("%d checks, %v", len(checks), err)
		}
		encoded, err := json2.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRequest(encoded, d, noon)
		again.Zone = time.UTC
		if err != nil || !equalRequests(again, req) {
			t.Fatalf("round trip of %s: %+v, %v", encoded, again, err)
		}
	})
}

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"FuzzParse", "FuzzParseRequest"} {
		seeds, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(seeds) < 5 {
			t.Errorf("%s has %d committed seeds (%v), want at least 5", target, len(seeds), err)
		}
	}
}
