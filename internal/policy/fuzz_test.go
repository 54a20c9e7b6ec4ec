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
			_, _ = Decide(d, Request{AppStatus: "active", Resource: d.Resource, Action: "a", Model: "m", Time: noon})
		}
	})
}

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"FuzzParse"} {
		seeds, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(seeds) < 5 {
			t.Errorf("%s has %d committed seeds (%v), want at least 5", target, len(seeds), err)
		}
	}
}
