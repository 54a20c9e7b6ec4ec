package wordsmith

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

const manifest = `{
  "id": "text:wordsmith", "title": "Wordsmith", "base_url": "https://api.wordsmith.example/v1", "dialect": "wordsmith",
  "credential": {"header": "X-Wordsmith-Key"},
  "actions": [{"name": "shorten", "method": "POST", "path": "/shorten"}]
}`

func provider(t *testing.T) *Provider {
	t.Helper()
	m, err := plugins.ParseManifest([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	t.Parallel()
	plugintest.Run(t, suite(provider(t)))
}

func suite(p plugins.Provider) plugintest.Suite {
	return plugintest.Suite{Provider: p, Samples: []plugintest.Sample{{
		Name: "shorten",
		Request: plugins.Request{
			Method: http.MethodPost, Path: "/v1/shorten", Header: http.Header{"Content-Type": {"application/json"}},
			Body: []byte(`{"model":"brief-1","text":"Once upon a time","max_tokens":50}`),
		},
		Facts: plugins.Facts{Action: "shorten", Model: "brief-1", Choices: 1, OutputTokens: 50, InputTokens: 4},
		Answers: []plugintest.Answer{
			{Received: `{"text":"Once","usage":{"read":12,"written":1}}`, Usage: &plugins.Usage{InputTokens: 12, OutputTokens: 1}, Seen: 1},
			{Received: `{"code":"overloaded","message":"later"}`},
		},
	}}}
}
