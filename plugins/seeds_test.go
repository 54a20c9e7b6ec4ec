package plugins

import (
	"os"
	"path/filepath"
	"testing"
)

// The fuzz targets are only as good as what they start from: a checkout without
// the seeds would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	for target, least := range map[string]int{"FuzzEventReader": 8, "FuzzObject": 16, "FuzzCursor": 8, "FuzzMemberTap": 6, "FuzzForm": 8, "FuzzCheckJSON": 8, "FuzzManifest": 8, "FuzzRoutes": 8} {
		seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
		if err != nil || len(seeds) < least {
			t.Errorf("%s has %d seeds, want at least %d (%v)", target, len(seeds), least, err)
		}
	}
}
