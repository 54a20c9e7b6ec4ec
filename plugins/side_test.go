package plugins

import (
	"errors"
	"strings"
	"testing"
)

const twoSided = `{
  "id": "llm:two", "title": "Two", "base_url": "https://two.example/v1", "dialect": "gemini",
  "credential": {"header": "X-Goog-Api-Key"},
  "actions": [{"name": "generate_content", "method": "POST", "path": "/models/{model}:generateContent"}],
  "openai": {"path": "/openai", "actions": [{"name": "chat.completions", "method": "POST", "path": "/chat/completions"}]}
}`

func TestTheOtherSideOfAProvider(t *testing.T) {
	t.Parallel()
	m, err := ParseManifest([]byte(twoSided))
	if err != nil {
		t.Fatal(err)
	}
	side, ok := m.OpenAISide()
	if !ok || side.ID != "llm:two" || side.Dialect != "openai" || side.Below != "/openai" ||
		side.Credential != (Credential{Header: "Authorization", Prefix: "Bearer "}) || side.Actions[0].Name != "chat.completions" {
		t.Errorf("the other side is %+v", side)
	}
	if _, again := side.OpenAISide(); !again || side.OpenAI != nil {
		t.Error("the other side has a side of its own")
	}
	if o := Opens(m); len(o) != 2 || o[1].Path != "/v1/chat/completions" || o[1].Upstream != "https://two.example/v1/openai/chat/completions" {
		t.Errorf("opens %+v", o)
	}
}

func TestSidesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ from, to, member string }{
		"own dialect":   {`"gemini"`, `"openai"`, "openai"},
		"without keys":  {`{"header": "X-Goog-Api-Key"}`, `{"none": true}`, "openai"},
		"upwards":       {`"/openai"`, `"/../admin"`, "openai.path"},
		"placeholder":   {`"/openai"`, `"/{model}"`, "openai.path"},
		"trailing":      {`"/openai"`, `"/openai/"`, "openai.path"},
		"absolute":      {`"/openai"`, `"https://elsewhere.example"`, "openai.path"},
		"odd action":    {`"POST", "path": "/chat/completions"`, `"BREW", "path": "/chat/completions"`, "openai.actions.0.method"},
		"the same name": {`"chat.completions"`, `"generate_content"`, "openai.actions.0.name"},
		"unknown":       {`"path": "/openai"`, `"pfad": "/openai"`, "openai.pfad"},
	} {
		_, err := ParseManifest([]byte(strings.Replace(twoSided, row.from, row.to, 1)))
		var bad *ManifestError
		if !errors.As(err, &bad) || bad.Member != row.member {
			t.Errorf("%s: %v, want an error at %s", name, err, row.member)
		}
	}
}
