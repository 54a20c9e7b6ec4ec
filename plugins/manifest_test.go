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
		"no key":           {`{"header": "Authorization", "prefix": "Bearer "}`, `{"none": true}`},
		"http on a LAN": {`https://api.openai.com/v1", "dialect": "openai",
  "credential": {"header": "Authorization", "prefix": "Bearer "}`, `http://192.168.1.2/v1", "allow_private": true, "dialect": "openai", "credential": {"none": true}`},
		"https on a LAN": {`https://api.openai.com/v1"`, `https://10.0.0.1/v1", "allow_private": true`},
		"headers":        {`"docs"`, `"headers": {"anthropic-version": "2023-06-01"}, "pass_headers": ["anthropic-version", "X-Title", "HTTP-Referer"], "docs"`},
		"a placeholder":  {`/models`, `/models/{model}:generateContent`},
		"placeholders":   {`/models`, `/a/{b}/{c}/d-e_f.g`},
		"a query":        {`"/models"`, `"/models", "query": ["limit", "page_token"]`},
		"an output cap":  {`"docs"`, `"output_cap": "max_tokens", "docs"`},
		"no base path":   {"https://api.openai.com/v1", "https://api.perplexity.ai"},
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
		{"another output cap", `"docs"`, `"output_cap": "max", "docs"`, "output_cap"},
		{"an output cap of no use", `"dialect": "openai"`, `"dialect": "http", "output_cap": "both"`, "output_cap"},
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
		{"upper case scheme", `"https://api`, `"HTTPS://api`, "base_url"},
		{"base with an odd sign", `openai.com/v1`, `openai.com/v1|x`, "base_url"},
		{"base with dots", `openai.com/v1`, `openai.com/../v1`, "base_url"},
		{"base with an escape", `openai.com/v1`, `openai.com/%2e%2e`, "base_url"},
		{"other scheme", `https://api`, `file://api`, "base_url"},
		{"no dialect", `"dialect": "openai",`, ``, "dialect"},
		{"no credential", `"credential": {"header": "Authorization", "prefix": "Bearer "},`, ``, "credential.header"},
		{"empty credential", `"header": "Authorization", "prefix": "Bearer "`, ``, "credential.header"},
		{"no key and a header", `"header"`, `"none": true, "header"`, "credential.none"},
		{"no key and a prefix", `"header": "Authorization"`, `"none": true`, "credential.none"},
		{"none that is no boolean", `"header": "Authorization", "prefix": "Bearer "`, `"none": 1`, "credential.none"},
		{"a private base", `https://api.openai.com/v1`, `https://10.0.0.1/v1`, "base_url"},
		{"a link-local base", `https://api.openai.com/v1`, `https://169.254.169.254/latest`, "base_url"},
		{"localhost", `https://api.openai.com/v1`, `https://localhost/v1`, "base_url"},
		{"a key over http on a LAN", `https://api.openai.com/v1"`, `http://192.168.1.2/v1", "allow_private": true`, "base_url"},
		{"a fixed credential", `"docs"`, `"headers": {"x-api-key": "abc"}, "docs"`, "headers.x-api-key"},
		{"its own credential header", `"docs"`, `"headers": {"authorization": "abc"}, "docs"`, "headers.authorization"},
		{"a fixed Host", `"docs"`, `"headers": {"Host": "abc"}, "docs"`, "headers.Host"},
		{"a fixed header twice", `"docs"`, `"headers": {"X-A": "1", "x-a": "2"}, "docs"`, "headers.x-a"},
		{"a fixed header with a line end", `"docs"`, `"headers": {"X-A": "1\r\nX-B: 2"}, "docs"`, "headers.X-A"},
		{"an empty fixed header", `"docs"`, `"headers": {"X-A": ""}, "docs"`, "headers.X-A"},
		{"passing a cookie", `"docs"`, `"pass_headers": ["Cookie"], "docs"`, "pass_headers.0"},
		{"passing a credential", `"docs"`, `"pass_headers": ["X-Title", "X-Goog-Api-Key"], "docs"`, "pass_headers.1"},
		{"passing where it came from", `"docs"`, `"pass_headers": ["X-Forwarded-For"], "docs"`, "pass_headers.0"},
		{"passing another method", `"docs"`, `"pass_headers": ["X-HTTP-Method-Override"], "docs"`, "pass_headers.0"},
		{"passing who pays", `"docs"`, `"pass_headers": ["OpenAI-Organization"], "docs"`, "pass_headers.0"},
		{"passing an encoding", `"docs"`, `"pass_headers": ["Transfer-Encoding"], "docs"`, "pass_headers.0"},
		{"passing a header twice", `"docs"`, `"pass_headers": ["X-A", "x-a"], "docs"`, "pass_headers.1"},
		{"private that is no boolean", `"docs"`, `"allow_private": "yes", "docs"`, "allow_private"},
		{"a placeholder without a name", `"/models"`, `"/models/{}"`, "actions.0.path"},
		{"an open placeholder", `"/models"`, `"/models/{id"`, "actions.0.path"},
		{"a placeholder in a word", `"/models"`, `"/models/x{id}"`, "actions.0.path"},
		{"a placeholder twice", `"/models"`, `"/models/{id}/{id}"`, "actions.0.path"},
		{"a placeholder for the rest", `"/models"`, `"/models/{id...}"`, "actions.0.path"},
		{"a star", `"/models"`, `"/models/*"`, "actions.0.path"},
		{"the same pattern twice", `"/models"}`, `"/m/{a}"}, {"name": "x", "method": "GET", "path": "/m/{b}"}`, "actions.1.path"},
		{"a query parameter with a sign", `"/models"`, `"/models", "query": ["a&b"]`, "actions.0.query.0"},
		{"a query parameter twice", `"/models"`, `"/models", "query": ["a", "a"]`, "actions.0.query.1"},
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
	byID := make(map[string]Manifest)
	for _, m := range manifests {
		byID[m.ID] = m
	}
	if byID["llm:openai"].Dialect != "openai" {
		t.Errorf("llm:openai is missing from %v", manifests)
	}
	for id, m := range byID {
		keyless := id == "llm:ollama" // the only one on the owner's own machine
		if m.Credential.None != keyless || m.AllowPrivate != keyless || m.Docs == "" {
			t.Errorf("%s: %+v", id, m)
		}
	}
}
