package openai

import (
	"os"
	"path/filepath"
	"testing"
)

// Without seeds the fuzz targets would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	for target, least := range map[string]int{"FuzzDescribe": 12, "FuzzModel": 20, "FuzzModelInForm": 15, "FuzzAnswer": 15} {
		seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
		if err != nil || len(seeds) < least {
			t.Errorf("%s has %d seeds, want at least %d (%v)", target, len(seeds), least, err)
		}
	}
}
