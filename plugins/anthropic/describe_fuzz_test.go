package anthropic

import (
	"encoding/json"
	"testing"

	"github.com/keywicket/keywicket/plugins/plugintest"
)

// FuzzDescribe holds our reading of a body against that of a lenient server:
// what the policy saw must be what a server reads.
func FuzzDescribe(f *testing.F) {
	p := provider(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := p.Describe(messagesRequest(string(body)))
		if err != nil {
			return
		}
		if err := call.SetOutputCap(77); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var seen struct {
			Model     string `json:"model"`
			Stream    bool   `json:"stream"`
			MaxTokens int64  `json:"max_tokens"`
			Tools     []any  `json:"tools"`
			Servers   []any  `json:"mcp_servers"`
			Speed     string `json:"speed"`
			Fallbacks any    `json:"fallbacks"`
			Thinking  struct {
				Budget float64 `json:"budget_tokens"`
			} `json:"thinking"`
		}
		if err := json.Unmarshal(call.Body, &seen); err != nil {
			return // a member of another type, which the server refuses
		}
		facts := call.Facts
		if seen.Model != facts.Model || seen.Stream != facts.Stream || seen.MaxTokens > 77 || max(seen.MaxTokens, 1) != facts.OutputTokens {
			t.Fatalf("%q: a server sees %+v, the policy saw %+v", call.Body, seen, facts)
		}
		if len(seen.Tools)+len(seen.Servers) > 0 && !facts.Tools || seen.Speed != "" && seen.Speed != "standard" || seen.Fallbacks != nil {
			t.Fatalf("%q: a server sees %+v, the policy saw %+v", call.Body, seen, facts)
		}
		if facts.InputTokens < 0 {
			t.Fatalf("%q: %d input tokens", call.Body, facts.InputTokens)
		}
	})
}

// Without seeds the fuzz targets would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	plugintest.Seeds(t, map[string]int{"FuzzDescribe": 16, "FuzzMeter": 6})
}
