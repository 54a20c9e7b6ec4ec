package openai

import (
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// Servers that do not count report zeros. They must not be the last word, or what
// they serve would be free.
func TestReportsOfZeros(t *testing.T) {
	t.Parallel()
	const said = `"choices":[{"index":0,"message":{"content":"some words"},"finish_reason":"stop"}]`
	const streamed = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"some words\"},\"finish_reason\":\"stop\"}]}\n\ndata: "
	for _, row := range []struct {
		name, usage string
		final       bool
	}{
		{"both", `{"prompt_tokens":9,"completion_tokens":2}`, true},
		{"neither", `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`, false},
		{"no output", `{"prompt_tokens":9,"completion_tokens":0}`, false},
		{"no input", `{"prompt_tokens":0,"completion_tokens":2}`, false},
		{"input alone", `{"prompt_tokens":9}`, false},
	} {
		call := mustDescribe(t, chatRequest(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`))
		meter := provider(t).NewMeter(call)
		meter.Body([]byte(`{` + said + `,"usage":` + row.usage + `}`))
		if _, ok := meter.Usage(); !ok || meter.Final() != row.final {
			t.Errorf("%s: reported is %v, final is %v", row.name, ok, meter.Final())
		}
		call = mustDescribe(t, chatRequest(`{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`))
		meter = provider(t).NewMeter(call)
		meter.Event([]byte(streamed[:len(streamed)-len("data: ")]))
		meter.Event([]byte(`data: {"choices":[],"usage":` + row.usage + "}\n\n"))
		meter.Event([]byte("data: [DONE]\n\n"))
		if _, ok := meter.Usage(); !ok || meter.Final() != row.final || meter.Seen() < 2 {
			t.Errorf("%s, streamed: reported is %v, final is %v, %d seen", row.name, ok, meter.Final(), meter.Seen())
		}
	}
	call := mustDescribe(t, jsonRequest("/v1/embeddings", `{"model":"m","input":"hi"}`))
	for usage, final := range map[string]bool{`{"prompt_tokens":3,"total_tokens":3}`: true, `{"prompt_tokens":0,"total_tokens":0}`: false} {
		meter := provider(t).NewMeter(call)
		meter.Body([]byte(`{"data":[],"usage":` + usage + `}`))
		if meter.Final() != final {
			t.Errorf("embeddings, %s: final is %v", usage, meter.Final())
		}
	}
	call = mustDescribe(t, formRequest("/v1/audio/transcriptions", "file", "sound", "model", "m"))
	for usage, final := range map[string]bool{`{"type":"duration","seconds":9}`: true, `{"type":"tokens","input_tokens":9,"output_tokens":0}`: false} {
		meter := provider(t).NewMeter(call)
		meter.Body([]byte(`{"text":"some words","usage":` + usage + `}`))
		if meter.Final() != final {
			t.Errorf("a transcript, %s: final is %v", usage, meter.Final())
		}
	}
}

func TestCostOfNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		model, cost string
		want        plugins.Usage
	}{
		{"qwen/qwen3-coder:free", `0`, plugins.Usage{InputTokens: 9, OutputTokens: 2, CostStated: true}},
		{"qwen/qwen3-coder", `0`, plugins.Usage{InputTokens: 9, OutputTokens: 2}},
		{"qwen/qwen3-coder", `0.0`, plugins.Usage{InputTokens: 9, OutputTokens: 2}},
		{"qwen/qwen3-coder", `0.5`, plugins.Usage{InputTokens: 9, OutputTokens: 2, Cost: 500_000_000, CostStated: true}},
	} {
		usage := `"usage":{"prompt_tokens":9,"completion_tokens":2,"cost":` + row.cost + `}`
		call := mustDescribe(t, chatRequest(`{"model":"`+row.model+`","messages":[]}`))
		meter := provider(t).NewMeter(call)
		meter.Body([]byte(`{` + usage + `}`))
		if got, _ := meter.Usage(); got != row.want {
			t.Errorf("%s at %s: %+v", row.model, row.cost, got)
		}
		meter = provider(t).NewMeter(call)
		meter.Event([]byte(`data: {"choices":[],` + usage + "}\n\n"))
		if got, _ := meter.Usage(); got != row.want {
			t.Errorf("%s at %s, streamed: %+v", row.model, row.cost, got)
		}
	}
}

// Perplexity counts beside the others what its research has read and thought.
func TestCountsBesideTheOthers(t *testing.T) {
	t.Parallel()
	for usage, want := range map[string]plugins.Usage{
		`{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":20016,"num_search_queries":18,"reasoning_tokens":73997}`: {InputTokens: 20_049, OutputTokens: 81_160},
		`{"prompt_tokens":33,"completion_tokens":50,"total_tokens":83,"num_search_queries":1,"reasoning_tokens":7}`:                                  {InputTokens: 33, OutputTokens: 57},
		`{"prompt_tokens":33,"completion_tokens":50,"total_tokens":83,"reasoning_tokens":7}`:                                                         {InputTokens: 33, OutputTokens: 50},
	} {
		if got, ok := readUsage([]byte(usage)); !ok || got != want {
			t.Errorf("%s: %+v", usage, got)
		}
	}
}
