package openai

import (
	"os"
	"path/filepath"
	"testing"
)

// Without seeds the fuzz target would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzDescribe"))
	if err != nil || len(seeds) < 12 {
		t.Errorf("FuzzDescribe has %d seeds, want at least 12 (%v)", len(seeds), err)
	}
}
