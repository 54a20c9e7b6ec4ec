package openai

import (
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// Clients of other providers put all of the provider's own path before theirs.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		base, path string
		ok         bool
	}{
		{"https://api.groq.com/openai/v1", "/openai/v1/models", true},
		{"https://api.groq.com/openai/v1", "/v1/models", true},
		{"https://api.groq.com/openai/v1", "/models", true},
		{"https://api.groq.com/openai/v1", "/openai/models", false},
		{"https://api.groq.com/openai/v1", "/openai/v1/v1/models", false},
		{"https://api.groq.com/openai/v1", "/openai/v1/files", false},
		{"https://api.openai.com/v1", "/openai/v1/models", false},
		{"https://api.perplexity.ai", "/v1/models", true},
	} {
		p, err := New(plugins.Manifest{
			ID: "llm:a", Title: "A", BaseURL: row.base, Dialect: Dialect, Credential: plugins.Credential{Header: "Authorization", Prefix: "Bearer "},
			Actions: []plugins.Action{{Name: ModelsList, Method: "GET", Path: "/models"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		call, err := p.Describe(plugins.Request{Method: "GET", Path: row.path})
		if (err == nil) != row.ok || err == nil && call.Path != "/models" {
			t.Errorf("%s of %s: %+v, %v", row.path, row.base, call, err)
		}
	}
}
