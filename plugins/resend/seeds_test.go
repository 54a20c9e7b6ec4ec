package resend

import (
	"testing"

	"github.com/keywicket/keywicket/plugins/plugintest"
)

// A checkout without the seeds would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	plugintest.Seeds(t, map[string]int{"FuzzAddress": 9})
}
