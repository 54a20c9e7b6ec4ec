package all

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// resources are all that ship.
func resources() []string {
	return []string{
		"llm:anthropic", "llm:cerebras", "llm:cohere", "llm:deepseek", "llm:fireworks", "llm:gemini", "llm:groq", "llm:mistral",
		"llm:ollama", "llm:openai", "llm:openrouter", "llm:perplexity", "llm:together", "llm:xai", "mail:resend",
	}
}

const form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\xff\x00\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm-1\r\n--b--\r\n"

// bodies are the least that each action takes, by dialect and name; the empty
// one is for those without a body.
func bodies() map[string]string {
	chat := `{"model":"m-1","messages":[{"role":"user","content":"hi"}],"max_tokens":5}`
	contents := `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`
	mail := `{"from":"a@x.example","to":"b@y.example","subject":"s","text":"t"}`
	return map[string]string{
		"openai chat.completions":         chat,
		"openai responses":                `{"model":"m-1","input":"hi"}`,
		"openai embeddings":               `{"model":"m-1","input":"hi"}`,
		"openai images.generations":       `{"model":"m-1","prompt":"hi"}`,
		"openai images.edits":             strings.Replace(strings.Replace(form, `name="file"`, `name="image"`, 1), "--b--", "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhi\r\n--b--", 1),
		"openai audio.transcriptions":     form,
		"openai audio.translations":       form,
		"openai audio.speech":             `{"model":"m-1","input":"hi","voice":"alloy"}`,
		"openai moderations":              `{"model":"m-1","input":"hi"}`,
		"openai models.list":              "",
		"anthropic messages":              chat,
		"anthropic messages.count_tokens": `{"model":"m-1","messages":[{"role":"user","content":"hi"}]}`,
		"anthropic models.list":           "",
		"gemini generate_content":         contents,
		"gemini stream_generate_content":  contents,
		"gemini count_tokens":             contents,
		"gemini embed_content":            `{"content":{"parts":[{"text":"hi"}]}}`,
		"gemini batch_embed_contents":     `{"requests":[{"model":"models/m-1","content":{"parts":[{"text":"hi"}]}}]}`,
		"gemini models.list":              "",
		"gemini models.get":               "",
		"resend emails.send":              mail,
		"resend emails.batch":             "[" + mail + "]",
		"resend emails.get":               "",
	}
}

// Every manifest that ships passes the suite with the least request for each of
// its actions. What the facts should be is for the tests of the dialects.
func TestEveryManifestConforms(t *testing.T) {
	t.Parallel()
	providers, err := Providers()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range providers {
		m := p.Manifest()
		ids = append(ids, m.ID)
		t.Run(m.ID, func(t *testing.T) {
			t.Parallel()
			plugintest.Run(t, plugintest.Suite{Provider: p, Samples: samples(t, p)})
		})
	}
	slices.Sort(ids)
	if !slices.Equal(ids, resources()) {
		t.Errorf("there are %v, want %v", ids, resources())
	}
}

func samples(t *testing.T, p plugins.Provider) (all []plugintest.Sample) {
	t.Helper()
	for _, a := range p.Manifest().Actions {
		body, ok := bodies()[p.Manifest().Dialect+" "+a.Name]
		if !ok {
			t.Fatalf("no request for %s of %s", a.Name, p.Manifest().Dialect)
		}
		r := plugins.Request{
			Method: a.Method, Path: strings.NewReplacer("{model}", "m-1", "{id}", "m-1").Replace(a.Path),
			Header: http.Header{"Accept": {"application/json"}}, Body: []byte(body),
		}
		switch {
		case strings.HasPrefix(body, "--"):
			r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		case body != "":
			r.Header.Set("Content-Type", "application/json")
		}
		call, err := p.Describe(r)
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		all = append(all, plugintest.Sample{Name: a.Name, Request: r, Facts: call.Facts})
	}
	return all
}
