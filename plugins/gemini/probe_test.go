package gemini

import (
	"strings"
	"testing"
)

func TestProbeKnowsGooglesAnswerToAWrongKey(t *testing.T) {
	t.Parallel()
	explain := provider(t).Probe().Explain
	for status, words := range map[int]string{400: "does not accept this key", 401: "does not accept this key", 418: "status 418"} {
		if verdict := explain(status, []byte(`{"error":{"status":"INVALID_ARGUMENT"}}`)); verdict.OK || !strings.Contains(verdict.Words, words) {
			t.Errorf("%d: %+v", status, verdict)
		}
	}
	if verdict := explain(200, []byte(`{"models":[]}`)); !verdict.OK {
		t.Errorf("a list of models: %+v", verdict)
	}
}
