package gemini

import (
	"encoding/json"
	"testing"

	"github.com/keywicket/keywicket/plugins/plugintest"
)

type serverConfig struct {
	MaxOutput      int64 `json:"maxOutputTokens"`
	MaxOutputSnake int64 `json:"max_output_tokens"`
	Count          int64 `json:"candidateCount"`
	CountSnake     int64 `json:"candidate_count"`
}

func (c serverConfig) limit() int64 { return max(c.MaxOutput, c.MaxOutputSnake) }
func (c serverConfig) count() int64 { return max(c.Count, c.CountSnake) }

// FuzzDescribe holds our reading of a body against that of a lenient server that
// knows both spellings: what the policy saw must be what a server reads.
func FuzzDescribe(f *testing.F) {
	p := provider(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := p.Describe(generateRequest(string(body)))
		if err != nil {
			return
		}
		if err := call.SetOutputCap(77); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var seen struct {
			Model       string       `json:"model"`
			Config      serverConfig `json:"generationConfig"`
			ConfigSnake serverConfig `json:"generation_config"`
			Tools       any          `json:"tools"`
			Cached      string       `json:"cachedContent"`
			CachedSnake string       `json:"cached_content"`
		}
		if err := json.Unmarshal(call.Body, &seen); err != nil {
			return // a member of another type, which the server refuses
		}
		limit, count := max(seen.Config.limit(), seen.ConfigSnake.limit()), max(seen.Config.count(), seen.ConfigSnake.count(), 1)
		facts := call.Facts
		if seen.Model != "" && seen.Model != "gemini-2.5-flash" && seen.Model != "models/gemini-2.5-flash" {
			t.Fatalf("%q: a server sees the model %q", call.Body, seen.Model)
		}
		if limit < 1 || limit > 77 || limit != facts.OutputTokens || count != facts.Choices {
			t.Fatalf("%q: a server sees %+v, the policy saw %+v", call.Body, seen, facts)
		}
		tools, _ := seen.Tools.([]any)
		if len(tools) > 0 && !facts.Tools || seen.Cached+seen.CachedSnake != "" && !facts.InputUnknown || facts.InputTokens < 0 {
			t.Fatalf("%q: a server sees %+v, the policy saw %+v", call.Body, seen, facts)
		}
	})
}

// Without seeds the fuzz targets would pass by testing nothing.
func TestFuzzSeedsArePresent(t *testing.T) {
	t.Parallel()
	plugintest.Seeds(t, map[string]int{"FuzzDescribe": 16, "FuzzScan": 10})
}
