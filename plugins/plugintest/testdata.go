package plugintest

import (
	"os"
	"path/filepath"
	"testing"
)

// Transcript is what a provider once sent, from testdata/transcripts.
func Transcript(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "transcripts", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Seeds wants each fuzz target to have at least so many: without them it would
// pass by testing nothing.
func Seeds(t *testing.T, least map[string]int) {
	t.Helper()
	for target, n := range least {
		seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
		if err != nil || len(seeds) < n {
			t.Errorf("%s has %d seeds, want at least %d (%v)", target, len(seeds), n, err)
		}
	}
}
