package openai

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// shipped is the provider a manifest that ships declares.
func shipped(t testing.TB, id string) *Provider {
	t.Helper()
	manifests, err := plugins.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		if side, ok := m.OpenAISide(); ok && m.ID == id {
			p, err := New(side)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("no manifest %s", id)
	return nil
}

// A server that ignores the name of a cap writes as much as it likes, and one
// that is strict refuses the request.
func TestOutputCapIsWrittenAsTheServerReadsIt(t *testing.T) {
	t.Parallel()
	const begin = `{"model":"m","messages":[]`
	old, renamed := `,"max_tokens":7}`, `,"max_completion_tokens":7}`
	for id, want := range map[string]string{
		"llm:deepseek": old, "llm:mistral": old, "llm:perplexity": old, "llm:together": old, "llm:cohere": old,
		"llm:fireworks": old, "llm:ollama": old, "llm:openrouter": old,
		"llm:groq": renamed, "llm:xai": renamed, "llm:cerebras": renamed,
		"llm:openai": renamed, "llm:anthropic": renamed, "llm:gemini": renamed,
	} {
		p := shipped(t, id)
		for _, asked := range []string{`}`, `,"max_tokens":900}`, `,"max_completion_tokens":900}`, `,"max_tokens":null}`} {
			call, err := p.Describe(chatRequest(begin + asked))
			if err != nil {
				t.Fatal(err)
			}
			if err := call.SetOutputCap(7); err != nil {
				t.Fatal(err)
			}
			expect := want
			if id == "llm:openai" || id == "llm:anthropic" || id == "llm:gemini" {
				switch asked {
				case `,"max_tokens":900}`: // each name works there: the client's stays
					expect = old
				case `,"max_tokens":null}`:
					expect = `,"max_tokens":null` + renamed
				}
			}
			if got := string(call.Body); got != begin+expect || call.Facts.OutputTokens != 7 {
				t.Errorf("%s, asked with %s: %s, %d tokens", id, asked, got, call.Facts.OutputTokens)
			}
		}
	}
}

func TestOutputCapOfTheOwnersServer(t *testing.T) {
	t.Parallel()
	const both = `{"model":"m","max_tokens":7,"max_completion_tokens":7}`
	for _, row := range []struct {
		spell, body, want string
		tokens            int64
	}{
		{"", `{"model":"m","max_tokens":7}`, both, 7},
		{"", `{"model":"m","max_tokens":7,"max_completion_tokens":9}`, `{"model":"m","max_tokens":7,"max_completion_tokens":9}`, 9},
		{"", `{"model":"m"}`, `{"model":"m"}`, 0},
		{"max_tokens", `{"max_completion_tokens":9,"model":"m"}`, `{"model":"m","max_tokens":9}`, 9},
		{"max_tokens", `{"max_completion_tokens":9,"model":"m","max_tokens":5}`, `{"model":"m","max_tokens":5}`, 5},
		{"max_completion_tokens", `{"model":"m","max_tokens":5}`, `{"model":"m","max_completion_tokens":5}`, 5},
		{"either", `{"model":"m","max_tokens":5}`, `{"model":"m","max_tokens":5}`, 5},
	} {
		p, err := New(plugins.Manifest{
			ID: "llm:mine", Title: "Mine", BaseURL: "https://llm.example.org/v1", Dialect: Dialect, OutputCap: row.spell,
			Credential: plugins.Credential{Header: "Authorization"},
			Actions:    []plugins.Action{{Name: ChatCompletions, Method: http.MethodPost, Path: "/chat/completions"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		call, err := p.Describe(chatRequest(row.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(call.Body); got != row.want || call.Facts.OutputTokens != row.tokens {
			t.Errorf("%q: %s became %s, %d tokens", row.spell, row.body, got, call.Facts.OutputTokens)
		}
	}
}

// Behind a key with an address of its own there may be any server.
func TestOutputCapAwayFromHome(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"llm:openai", "llm:mistral", "llm:groq"} {
		call, err := shipped(t, id).Describe(chatRequest(`{"model":"m","max_tokens":9}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SetOutputCap(7); err != nil {
			t.Fatal(err)
		}
		if err := call.SpellOutputCap(); err != nil {
			t.Fatal(err)
		}
		body, err := plugins.ParseObject(call.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range capSpellings() {
			if n, _, err := body.Int(name, 9); n != 7 || err != nil {
				t.Errorf("%s: %s", id, call.Body)
			}
		}
	}
}
