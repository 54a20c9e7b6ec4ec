package openai

import (
	"strings"
	"testing"
)

// What a provider looks up by itself is input nobody sees, and a permission
// without tools does not allow it.
func TestModelsThatResearch(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for model, want := range map[string]bool{
		"sonar-deep-research": true, "perplexity/sonar-deep-research": true, "o3-deep-research-2025-06-26": true, "openai/o4-mini-deep-research": true,
		"gpt-4o-search-preview": true, "gpt-4o-mini-search-preview-2025-03-11": true, "gpt-5-search-api": true, "perplexity/sonar-pro-search": true,
		"groq/compound": true, "groq/compound-mini": true, "compound-beta": true, "openai/gpt-4o:online": true, "Openai/GPT-4o:Online": true,
		"gpt-4o": false, "sonar-pro": false, "o3": false, "nousresearch/hermes-4-70b": false, "qwen/qwen-plus:thinking": false,
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/responses"} {
			call, err := p.Describe(jsonRequest(path, `{"model":"`+model+`","stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			f := call.Facts
			if f.Tools != want || f.InputUnknown != want || want && !f.OutputAtOnce {
				t.Errorf("%s %s: %+v", path, model, f)
			}
		}
	}
}

func TestOutputThatIsNotSeenAsItIsMade(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for members, want := range map[string]bool{
		``: false, `,"modalities":["text"]`: false, `,"modalities":null,"audio":null,"prediction":null`: false,
		`,"modalities":["text","audio"]`: true, `,"modalities":["image"]`: true, `,"modalities":"audio"`: true, `,"audio":{}`: true,
		`,"prediction":{"type":"content","content":"x"}`: true,
	} {
		call, err := p.Describe(chatRequest(`{"model":"gpt-4o","stream":true` + members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if call.Facts.OutputAtOnce != want {
			t.Errorf("%s: %v", members, call.Facts.OutputAtOnce)
		}
	}
	for id, members := range map[string]string{
		"llm:openrouter": `,"reasoning":{"exclude":true}|,"include_reasoning":false|`,
		"llm:groq":       `,"include_reasoning":false|,"reasoning_format":"hidden"|,"reasoning_format":"parsed"`,
		"llm:cerebras":   `,"reasoning_format":"hidden"||,"reasoning_format":"raw"`,
	} {
		for i, one := range strings.Split(members, "|") {
			call, err := shipped(t, id).Describe(chatRequest(`{"model":"m","stream":true` + one + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if want := i < 2 && one != ""; call.Facts.OutputAtOnce != want {
				t.Errorf("%s%s: %v", id, one, call.Facts.OutputAtOnce)
			}
		}
	}
	for _, model := range []string{"google/gemini-2.5-flash-image", "openai/gpt-audio-mini", "qwen/qwen-plus-2025-07-28:thinking"} {
		call, err := shipped(t, "llm:openrouter").Describe(chatRequest(`{"model":"` + model + `","stream":true}`))
		if err != nil || !call.Facts.OutputAtOnce {
			t.Errorf("%s: %v", model, err)
		}
	}
}

// The project's tier may be a dearer one: auto must not mean that.
func TestTierIsTheOneThatIsPriced(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ id, path, tier, want string }{
		{"llm:openai", "/v1/chat/completions", `"auto"`, `"default"`},
		{"llm:openai", "/v1/responses", `"auto"`, `"default"`},
		{"llm:openai", "/v1/chat/completions", `"flex"`, `"flex"`},
		{"llm:groq", "/v1/chat/completions", `"auto"`, `"auto"`},
	} {
		call, err := shipped(t, row.id).Describe(jsonRequest(row.path, `{"model":"m","service_tier":`+row.tier+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(call.Body), `"service_tier":`+row.want) {
			t.Errorf("%s %s: %s", row.id, row.tier, call.Body)
		}
	}
}
