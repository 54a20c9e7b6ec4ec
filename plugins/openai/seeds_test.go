package openai

import (
	"testing"

	"github.com/keywicket/keywicket/plugins/plugintest"
)

// Without seeds the fuzz targets would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	plugintest.Seeds(t, map[string]int{"FuzzDescribe": 12, "FuzzModel": 20, "FuzzModelInForm": 15, "FuzzAnswer": 15})
}
