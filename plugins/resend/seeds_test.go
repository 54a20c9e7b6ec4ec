package resend

import (
	"os"
	"path/filepath"
	"testing"
)

// A checkout without the seeds would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzAddress"))
	if err != nil || len(seeds) < 9 {
		t.Errorf("FuzzAddress has %d seeds, want at least 9 (%v)", len(seeds), err)
	}
}
