package plugins

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const goodManifest = `{
  "id": "llm:openai", "title": "OpenAI", "base_url": "https://api.openai.com/v1", "dialect": "openai",
  "credential": {"header": "Authorization", "prefix": "Bearer "},
  "actions": [{"name": "models.list", "method": "GET", "path": "/models"}],
  "docs": "https://platform.openai.com/docs"
}`

func TestManifestAccepts(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string][2]string{
		"as it is":         {"", ""},
		"no docs":          {",\n  \"docs\": \"https://platform.openai.com/docs\"", ""},
		"no prefix":        {`, "prefix": "Bearer "`, ""},
		"another header":   {`"Authorization", "prefix": "Bearer "`, `"X-Api-Key"`},
		"http on loopback": {`https://api.openai.com/v1"`, `http://127.0.0.1:11434/v1", "allow_private": true`},
		"http on IPv6":     {`https://api.openai.com/v1"`, `http://[::1]:11434/v1", "allow_private": true`},
		"http localhost":   {`https://api.openai.com/v1"`, `http://localhost:11434/v1", "allow_private": true`},
		"no base path":     {"https://api.openai.com/v1", "https://api.perplexity.ai"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := ParseManifest([]byte(strings.Replace(goodManifest, edit[0], edit[1], 1)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseManifest(text); err != nil {
				t.Errorf("its own JSON is refused: %v", err)
			}
		})
	}
}

func TestManifestRefusesAndNamesTheMember(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, old, new, member string }{
		{"no id", `"id": "llm:openai", `, ``, "id"},
		{"id without type", `llm:openai`, `openai`, "id"},
		{"id with a slash", `llm:openai`, `llm:open/ai`, "id"},
		{"upper case id", `llm:openai`, `LLM:openai`, "id"},
		{"no title", `"title": "OpenAI", `, ``, "title"},
		{"title with a line end", `"title": "OpenAI"`, `"title": "Open\nAI"`, "title"},
		{"long title", `"title": "OpenAI"`, `"title": "` + strings.Repeat("x", 81) + `"`, "title"},
		{"title of another type", `"title": "OpenAI"`, `"title": 7`, "title"},
		{"relative base", `https://api.openai.com/v1`, `/v1`, "base_url"},
		{"http base", `https://api.openai.com/v1`, `http://api.openai.com/v1`, "base_url"},
		{"http base on a LAN", `https://api.openai.com/v1`, `http://192.168.1.2/v1`, "base_url"},
		{"base with a user", `https://api.`, `https://me:pw@api.`, "base_url"},
		{"base with a query", `openai.com/v1`, `openai.com/v1?key=x`, "base_url"},
		{"base with an empty fragment", `openai.com/v1`, `openai.com/v1#`, "base_url"},
		{"base with a trailing slash", `openai.com/v1`, `openai.com/v1/`, "base_url"},
		{"base with dots", `openai.com/v1`, `openai.com/../v1`, "base_url"},
		{"base with an escape", `openai.com/v1`, `openai.com/%2e%2e`, "base_url"},
		{"other scheme", `https://api`, `file://api`, "base_url"},
		{"no dialect", `"dialect": "openai",`, ``, "dialect"},
		{"no credential", `"credential": {"header": "Authorization", "prefix": "Bearer "},`, ``, "credential.header"},
		{"key in Host", `"Authorization"`, `"Host"`, "credential.header"},
		{"key in a length", `"Authorization"`, `"content-length"`, "credential.header"},
		{"no header name", `"Authorization"`, `"A B"`, "credential.header"},
		{"prefix with a line end", `"Bearer "`, `"Bearer\r\nX: "`, "credential.prefix"},
		{"no actions", `{"name": "models.list", "method": "GET", "path": "/models"}`, ``, "actions"},
		{"action without a name", `"name": "models.list", `, ``, "actions.0.name"},
		{"lower case method", `"GET"`, `"get"`, "actions.0.method"},
		{"CONNECT", `"GET"`, `"CONNECT"`, "actions.0.method"},
		{"path without a slash", `"/models"`, `"models"`, "actions.0.path"},
		{"path with dots", `"/models"`, `"/models/../admin"`, "actions.0.path"},
		{"path with an empty segment", `"/models"`, `"/models//x"`, "actions.0.path"},
		{"path with an escape", `"/models"`, `"/models%2f"`, "actions.0.path"},
		{"path with a query", `"/models"`, `"/models?x=1"`, "actions.0.path"},
		{"long path", `"/models"`, `"/` + strings.Repeat("x", 300) + `"`, "actions.0.path"},
		{"same name twice", `"/models"}`, `"/models"}, {"name": "models.list", "method": "GET", "path": "/x"}`, "actions.1.name"},
		{"same endpoint twice", `"/models"}`, `"/models"}, {"name": "x", "method": "GET", "path": "/models"}`, "actions.1.path"},
		{"docs over http", `"docs": "https:`, `"docs": "http:`, "docs"},
		{"docs as a script", `"docs": "https://platform.openai.com/docs"`, `"docs": "javascript:alert(1)"`, "docs"},
		{"unknown member", `"docs"`, `"doc"`, "doc"},
		{"unknown nested member", `"header"`, `"header_name"`, "credential.header_name"},
		{"unknown member of an action", `"path"`, `"pattern"`, "actions.0.pattern"},
		{"other case", `"title"`, `"Title"`, "Title"},
		{"member twice", `"title": "OpenAI"`, `"title": "OpenAI", "title": "Open"`, "title"},
		{"trailing data", "docs\"\n}", "docs\"\n} {}", ""},
		{"not an object", goodManifest, `[]`, ""},
		{"too large", `"docs"`, strings.Repeat(" ", MaxManifestBytes) + `"docs"`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(goodManifest, row.old, row.new, 1)
			if text == goodManifest {
				t.Fatal("the row changes nothing")
			}
			_, err := ParseManifest([]byte(text))
			var manifestError *ManifestError
			if !errors.As(err, &manifestError) {
				t.Fatalf("got %v, want a ManifestError", err)
			}
			if manifestError.Member != row.member {
				t.Errorf("got %v, want it to name %q", err, row.member)
			}
		})
	}
}

func TestManifestsEmbedded(t *testing.T) {
	t.Parallel()
	manifests, err := Manifests()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) == 0 || manifests[0].ID != "llm:openai" {
		t.Errorf("got %v, want llm:openai among them", manifests)
	}
}
