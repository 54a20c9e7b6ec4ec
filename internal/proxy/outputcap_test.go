package proxy

import (
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// A server that is not the provider itself is told the cap in every spelling,
// when there is a policy about it.
func TestOutputCapReachesOtherServers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		most     int64
		members  string
		upstream string
	}{
		{10, `,"max_completion_tokens":1`, `,"max_completion_tokens":1,"max_tokens":1`},
		{10, `,"max_tokens":2`, `,"max_tokens":2,"max_completion_tokens":2`},
		{10, ``, `,"max_completion_tokens":10,"max_tokens":10`},
		{0, `,"max_completion_tokens":1`, `,"max_completion_tokens":1`},
	} {
		const start = `{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]`
		b := newBench(t)
		got := b.pair(policy.Document{Resource: resource, MaxOutputTokens: row.most}).post(start + row.members + "}")
		if seen := b.fake.Requests(); got.status != 200 || len(seen) != 1 || strings.TrimPrefix(string(seen[0].Body), start) != row.upstream+"}" {
			t.Errorf("%s: %d %s, upstream %+v", row.members, got.status, got.body, seen)
		}
	}
}

func TestAtHome(t *testing.T) {
	t.Parallel()
	m := plugins.Manifest{BaseURL: "https://api.openai.com/v1"}
	for base, want := range map[string]bool{
		"": true, "https://api.openai.com/v1": true, "https://API.OpenAI.com": true, "https://eu.api.openai.com/v1": true,
		"https://evilapi.openai.com/v1": false, "https://api.openai.com.evil.example/v1": false, "http://127.0.0.1:8080/v1": false,
		"https://openai.com/v1": false, "https://example.com/api.openai.com": false,
	} {
		key := vault.Credential{BaseURL: base, Home: m.BaseURL}
		at, err := target(m, key, "/chat/completions")
		if err != nil {
			t.Fatal(err)
		}
		if got := (&upstream{url: at}).atHome(m, key); got != want {
			t.Errorf("%q: %v", base, got)
		}
	}
}
