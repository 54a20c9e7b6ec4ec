package audit

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// FuzzDecode: no line but one that was encoded under the key is believed.
func FuzzDecode(f *testing.F) {
	c := chain{key: testKey}
	raw, _, err := c.encode(nil, &Event{Time: testTime, Kind: RequestEnded, RequestID: "req_1"}, position{})
	if err != nil {
		f.Fatal(err)
	}
	raw = raw[:len(raw)-1]
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := c.decode(data); err == nil && string(data) != string(raw) {
			t.Errorf("believed %q", data)
		}
	})
}

// FuzzText: whatever a client calls itself stays in bounds.
func FuzzText(f *testing.F) {
	f.Add("Notes")
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanText(s, maxText)
		if len(got) > maxText || !utf8.ValidString(got) {
			t.Errorf("%q became %q", s, got)
		}
		for _, r := range got {
			if r != utf8.RuneError && harmless(r) != r {
				t.Errorf("%q became %q with %U", s, got, r)
			}
		}
	})
}

func TestSeedsArePresent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"FuzzDecode", "FuzzText"} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", name, "*"))
		if err != nil || len(seeds) < 3 {
			t.Errorf("%s has %d seeds (%v), want at least 3", name, len(seeds), err)
		}
		for _, path := range seeds {
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				t.Errorf("seed %s: %v", path, err)
			}
		}
	}
}
