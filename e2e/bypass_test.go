package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/anthropic/anthropicfake"
	"github.com/keywicket/keywicket/plugins/gemini/geminifake"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
	"github.com/keywicket/keywicket/plugins/resend/resendfake"
)

// border is a gateway with a wire between it and each provider, on which every
// byte is seen, and one app that writes its requests by hand.
type border struct {
	*gateway
	app   *plainApp
	wires map[string]*wire
}

// guarded is what the app of a border may do. Each resource has a model, or a
// sender's domain, that is out of bounds.
const guarded = `[
	{"resource":"llm:openai","models":["gpt-4o-mini","gpt-4o-mini-*","gpt-4o-transcribe","text-embedding-3-small","gpt-image-1","omni-moderation-latest"]},
	{"resource":"llm:anthropic","models":["claude-haiku-4-5"]},
	{"resource":"llm:gemini","models":["gemini-2.5-flash","gemini-embedding-001"]},
	{"resource":"mail:resend","mail":{"from_domains":["app.example"],"to_domains":["friends.example"]}}
]`

func newBorder(t *testing.T) *border {
	t.Helper()
	clock := &stillClock{} // thousands of requests may take longer than a token is good for
	b := &border{gateway: start(t, clock.set), wires: map[string]*wire{}}
	anthropic, err := anthropicfake.Start(anthropicfake.Config{})
	closing(t, anthropic, err)
	gemini, err := geminifake.Start(geminifake.Config{})
	closing(t, gemini, err)
	resend, err := resendfake.Start(resendfake.Config{Domains: []string{"app.example"}})
	closing(t, resend, err)
	openai, err := openaifake.Start(openaifake.Config{})
	closing(t, openai, err)
	keys, err := b.Admin.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys { // the one without a wire
		if _, err := b.Admin.RemoveKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
	}
	for resource, at := range map[string]struct{ base, key string }{
		"llm:openai":    {openai.BaseURL(), openaifake.DefaultKey},
		"llm:anthropic": {anthropic.BaseURL(), anthropicfake.DefaultKey},
		"llm:gemini":    {gemini.BaseURL(), geminifake.DefaultKey},
		"mail:resend":   {resend.BaseURL(), resendfake.DefaultKey},
	} {
		w := newWire(t, at.base)
		b.wires[resource] = w
		in := admin.KeyInput{Resource: resource, Label: resource, BaseURL: w.base, Secret: at.key, AllowPrivate: true}
		if _, err := b.Admin.AddKey(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	b.app = pairPlain(t, b.gateway, b.URL, newAppKey(t, "Ed25519"), clock.Now, guarded)
	return b
}

// closing ends a fake with its test.
func closing(t *testing.T, fake io.Closer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
}

// crossed is every byte that has gone to any provider.
func (b *border) crossed() (n int) {
	for _, w := range b.wires {
		n += w.count()
	}
	return n
}

// wire passes connections on to a provider and keeps what went there.
type wire struct {
	base string // of URLs that lead through it
	to   string

	mu   sync.Mutex
	seen bytes.Buffer
	at   int // as far as it has been taken
	conn int // connections
}

func newWire(t *testing.T, base string) *wire {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &wire{to: u.Host}
	u.Host = l.Addr().String()
	w.base = u.String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conn++
			w.mu.Unlock()
			go w.pass(conn)
		}
	}()
	return w
}

func (w *wire) pass(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	_, _ = io.Copy(to, io.TeeReader(from, w))
}

// Write implements io.Writer.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.Write(p)
}

// count is bytes and connections: neither may grow.
func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.Len() + w.conn
}

// take is the one request that has gone by since the last time.
func (w *wire) take(t *testing.T) (*http.Request, string) {
	t.Helper()
	w.mu.Lock()
	sent := bytes.Clone(w.seen.Bytes()[w.at:])
	w.at = w.seen.Len()
	w.mu.Unlock()
	rest := bufio.NewReader(bytes.NewReader(sent))
	r, err := http.ReadRequest(rest)
	if err != nil {
		t.Fatalf("the provider was sent %q: %v", sent, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("the provider was sent %q: %v", sent, err)
	}
	if more, _ := io.ReadAll(rest); len(more) > 0 {
		t.Errorf("the provider was sent more than a request: %q", more)
	}
	return r, string(body)
}

// endpoint is a request that is allowed, in which member decides.
type endpoint struct {
	name, resource, method, path, media, body string
	member, allowed, forbidden                string // as JSON texts; "" where no member does
	inPath                                    bool   // the model is in the path, and the body's must be the same
	optional                                  bool   // the provider takes it without
}

const plainJSON = "application/json"

// endpoints are one or more of each dialect with JSON bodies.
func endpoints() []endpoint {
	openai := func(name, path, model, rest string) endpoint {
		return endpoint{
			name: "openai " + name, resource: "llm:openai", method: "POST", path: "/r/llm/openai/v1" + path, media: plainJSON,
			body: `{"model":"` + model + `",` + rest + `}`, member: "model", allowed: `"` + model + `"`, forbidden: `"o3-pro"`,
		}
	}
	gemini := func(action, model, rest string) endpoint {
		return endpoint{
			name: "gemini " + action, resource: "llm:gemini", method: "POST", path: "/r/llm/gemini/v1beta/models/" + model + ":" + action,
			media: plainJSON, body: `{"model":"models/` + model + `",` + rest + `}`, inPath: true,
			member: "model", allowed: `"models/` + model + `"`, forbidden: `"models/gemini-2.5-pro"`,
		}
	}
	anthropic := func(name, path, rest string) endpoint {
		return endpoint{
			name: "anthropic " + name, resource: "llm:anthropic", method: "POST", path: "/r/llm/anthropic/v1" + path, media: plainJSON,
			body: `{"model":"claude-haiku-4-5",` + rest + `}`, member: "model", allowed: `"claude-haiku-4-5"`, forbidden: `"claude-opus-4-5"`,
		}
	}
	const said, contents = `"messages":[{"role":"user","content":"hi"}]`, `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`
	all := []endpoint{
		openai("chat", "/chat/completions", "gpt-4o-mini", said),
		openai("responses", "/responses", "gpt-4o-mini", `"input":"hi"`),
		openai("embeddings", "/embeddings", "text-embedding-3-small", `"input":"hi"`),
		openai("images", "/images/generations", "gpt-image-1", `"prompt":"hi"`),
		openai("speech", "/audio/speech", "gpt-4o-mini-tts", `"input":"hi","voice":"alloy"`),
		openai("moderations", "/moderations", "omni-moderation-latest", `"input":"hi"`),
		anthropic("messages", "/messages", `"max_tokens":5,`+said),
		anthropic("count", "/messages/count_tokens", said),
		gemini("generateContent", "gemini-2.5-flash", contents),
		gemini("streamGenerateContent", "gemini-2.5-flash", contents),
		gemini("countTokens", "gemini-2.5-flash", contents),
		gemini("embedContent", "gemini-embedding-001", `"content":{"parts":[{"text":"hi"}]}`),
		{
			name: "resend", resource: "mail:resend", method: "POST", path: "/r/mail/resend/emails", media: plainJSON,
			body:   `{"from":"me@app.example","to":["you@friends.example"],"subject":"hi","text":"hi"}`,
			member: "from", allowed: `"me@app.example"`, forbidden: `"boss@bank.example"`,
		},
	}
	for i, e := range all {
		all[i].optional = e.name == "openai images" || e.name == "openai moderations"
	}
	return all
}

// draft is a request as it goes on the wire.
type draft struct {
	endpoint
	target  string   // instead of the path
	host    string   // instead of the gateway's
	media   []string // Content-Type lines instead of the endpoint's; empty and not nil: none
	lines   []string // further header lines
	framing string   // instead of Content-Length
	body    string   // instead of the endpoint's
	version string   // instead of HTTP/1.1
}

func (e endpoint) draft() draft {
	return draft{endpoint: e, target: e.path, body: e.body, media: []string{e.media}, version: "HTTP/1.1"}
}

// signedPath is the path a good proof is made for: the one the gateway finds
// in the target.
func signedPath(target string) string {
	if u, err := url.ParseRequestURI(target); err == nil {
		return u.EscapedPath()
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

// wireText signs the draft and writes it down.
func (b *border) wireText(t *testing.T, a draft) string {
	t.Helper()
	var w strings.Builder
	host := a.host
	if host == "" {
		host = strings.TrimPrefix(b.URL, "http://")
	}
	proof := forge(b.app.key, a.method, b.app.issuer+signedPath(a.target), b.app.access, b.app.now()).compact(t)
	fmt.Fprintf(&w, "%s %s %s\r\nHost: %s\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n", a.method, a.target, a.version, host, b.app.access, proof)
	for _, media := range a.media {
		fmt.Fprintf(&w, "Content-Type: %s\r\n", media)
	}
	for _, line := range a.lines {
		w.WriteString(line + "\r\n")
	}
	if a.framing == "" && a.method != http.MethodGet {
		a.framing = fmt.Sprintf("Content-Length: %d", len(a.body))
	}
	if a.framing != "" {
		w.WriteString(a.framing + "\r\n")
	}
	w.WriteString("\r\n" + a.body)
	return w.String()
}

// try sends the draft on a connection of its own.
func (b *border) try(t *testing.T, a draft) plainAnswer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // only so that a failure ends
	if _, err := io.WriteString(conn, b.wireText(t, a)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: a.method})
	if err != nil {
		t.Fatalf("%s: no answer: %v", a.name, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: half an answer: %v", a.name, err)
	}
	return plainAnswer{status: answer.StatusCode, header: answer.Header, body: body}
}

// dialectCode is our code, wherever the dialect of the answer has it.
func (a plainAnswer) dialectCode() string {
	var shape struct {
		Name  string `json:"name"` // resend
		Error struct {
			Code    any `json:"code"` // openai and anthropic; a number with gemini
			Details json.RawMessage
		}
	}
	_ = json.Unmarshal(a.body, &shape) // not every answer is an error
	var details []struct{ Reason string }
	_ = json.Unmarshal(shape.Error.Details, &details)
	if len(details) > 0 {
		return details[0].Reason
	}
	if code, ok := shape.Error.Code.(string); ok {
		return code
	}
	return shape.Name
}

// denied wants the draft refused with one of the codes, and no provider any
// the wiser.
func (b *border) denied(t *testing.T, what string, a draft, status int, code string) {
	t.Helper()
	before := b.crossed()
	got := b.try(t, a)
	if got.status != status || got.dialectCode() != code {
		t.Errorf("%s: %s: got %d %s, want %d %s: %.300q", a.name, what, got.status, got.dialectCode(), status, code, got.body)
	}
	if after := b.crossed(); after != before {
		t.Errorf("%s: %s: %d bytes or connections reached a provider", a.name, what, after-before)
	}
}

// passes wants the draft answered, and returns what the provider was sent.
func (b *border) passes(t *testing.T, what string, a draft) (*http.Request, string) {
	t.Helper()
	if got := b.try(t, a); got.status != http.StatusOK {
		t.Fatalf("%s: %s: got %d: %.300q", a.name, what, got.status, got.body)
	}
	return b.wires[a.resource].take(t)
}
