package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// unified are the endpoints at which the model says which provider is asked.
func unified() []endpoint {
	const said = `"messages":[{"role":"user","content":"hi"}]`
	at := func(path, resource, model, forbidden, rest string) endpoint {
		return endpoint{
			name: path, resource: resource, method: "POST", path: path, media: plainJSON, body: `{"model":"` + model + `",` + rest + `}`,
			member: "model", allowed: `"` + model + `"`, forbidden: `"` + forbidden + `"`,
		}
	}
	return []endpoint{
		at("/v1/chat/completions", "llm:openai", "openai/gpt-4o-mini", "openai/o3-pro", said),
		at("/v1/responses", "llm:openai", "openai/gpt-4o-mini", "openai/o3-pro", `"input":"hi"`),
		at("/v1/embeddings", "llm:openai", "openai/text-embedding-3-small", "openai/text-embedding-3-large", `"input":"hi"`),
		at("/v1/messages", "llm:anthropic", "anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5", `"max_tokens":5,`+said),
	}
}

// TestUnifiedBypass sends the endpoints for all providers what their own are sent.
func TestUnifiedBypass(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range unified() {
		own := strings.SplitN(strings.Trim(e.allowed, `"`), "/", 2)[1]
		want := strings.Replace(e.body, e.allowed, `"`+own+`"`, 1)
		plain, body := b.passes(t, "as it is", e.draft())
		if body != want {
			t.Errorf("%s: the provider was sent %s, want %s", e.name, body, want)
		}
		for _, d := range disguises(e) {
			a := e.draft()
			a.body = d.body
			if strings.Contains(d.what, "xxx") { // a model that nobody has, but well-formed
				b.denied(t, d.what, a, 403, "model_not_allowed")
				continue
			}
			b.denied(t, d.what, a, 400, "invalid_request")
		}
		a := e.draft()
		a.body = strings.Replace(e.body, e.allowed, e.forbidden, 1)
		b.denied(t, "another model", a, 403, "model_not_allowed")
		for _, model := range []string{
			"/" + own, "//" + own, "openai//" + own, "openai/", "/", "..", "../openai/" + own, "openai/../" + own, "llm:openai/" + own, "LLM/openai/" + own, "nobody/" + own, "https://evil.example/" + own,
			"//evil.example/" + own, "evil.example/v1/" + own, "openai\\\\" + own, "openai%2f" + own, "openai/" + own + "/", "openai/" + own + "?x", "openai/" + own + "#x", "openai/./" + own, "mail/" + own, "resend/" + own,
			"groq/llama-3.3-70b-versatile", "openrouter/openai/" + own, "openai/openai/" + own, " openai/" + own, "openai /" + own, "openai/ " + own, "openai\\u200b/" + own, "\\uff4fpenai/" + own, "openai\\u2215" + own,
		} {
			a := e.draft()
			a.body = strings.Replace(e.body, e.allowed, `"`+model+`"`, 1)
			b.nowhere(t, "model "+model, a)
		}
		for _, name := range []string{"model", "Model", "mod%65l", "model[]", "mo-del"} {
			a := e.draft()
			a.target += "?" + name + "=" + strings.Trim(e.forbidden, `"`)
			b.denied(t, "query "+name, a, 400, "invalid_request")
		}
		for _, coding := range []string{"gzip", "deflate", "br", "zstd", "identity, gzip"} {
			a := e.draft()
			a.body, a.lines = zipped(t, e.body), []string{"Content-Encoding: " + coding}
			b.denied(t, coding, a, 415, "unsupported_encoding")
		}
		for _, target := range aside(e.path) {
			a := e.draft()
			a.target = target
			b.nowhere(t, "target "+target, a)
		}
		for _, lines := range smuggled() {
			a := e.draft()
			a.lines = lines
			r, sent := b.passes(t, fmt.Sprintf("%.60q", lines), a)
			if r.RequestURI != plain.RequestURI || r.Host != plain.Host || sent != want || fmt.Sprint(r.Header) != fmt.Sprint(plain.Header) {
				t.Errorf("%s: %.60q: the provider was sent %s to %s with %v: %s", e.name, lines, r.RequestURI, r.Host, r.Header, sent)
			}
		}
		for _, row := range refusedLines() {
			a := e.draft()
			a.lines = row.lines
			b.nowhere(t, fmt.Sprintf("%.80q", row.lines), a)
		}
	}
}

// nowhere wants a request refused, in whatever words, and no provider asked.
func (b *border) nowhere(t *testing.T, what string, a draft) {
	t.Helper()
	before := b.crossed()
	if got := b.try(t, a); got.status < 400 || got.status > 500 {
		t.Errorf("%s: %s: got %d %.200q", a.name, what, got.status, got.body)
	}
	if after := b.crossed(); after != before {
		t.Errorf("%s: %s: %d bytes or connections reached a provider", a.name, what, after-before)
	}
}

// aside are targets that are not path, to a reader who takes them as they are.
func aside(path string) []string {
	all := []string{
		"//v1" + path[3:], "/v1/" + path[3:], "/V1" + path[3:], "/v1/v1" + path[3:], "/v1/../v1" + path[3:], "/v1/." + path[3:], "/v1/..%2fv1" + path[3:], "/%76%31" + path[3:], "/v1%2f" + path[4:], "/v1;x" + path[3:],
		"/r/../v1" + path[3:], "/r" + path, `\v1` + path[3:], "//evil.example" + path, strings.ToUpper(path), "/v1/openai" + path[3:], "/v1/chat", "/v1/files", "/v1/audio/speech/..%2f..", "/v1",
	}
	for _, tail := range []string{
		"/", "//", "/.", "/..", "/../models", "/..%2fmodels", "/%2e%2e/models", "/%252e%252e/models", ";", ";x=1", "%3b", "%00", "%0a", "%0d%0aHost:%20evil.example", "%20", "%2f", "%5c", `\`, "%3f", "%23", "#", "#x", ".json", ".", "..", "%c0%af", "%ff", "@evil.example", ":443",
	} {
		all = append(all, path+tail)
	}
	for i := 4; i < len(path); i++ {
		all = append(all, path[:i]+fmt.Sprintf("%%%02x", path[i])+path[i+1:])
	}
	slices.Sort(all)
	return slices.Compact(all)
}
