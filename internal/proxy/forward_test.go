package proxy

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

func limitedApp(b *bench) *app {
	return b.pair(policy.Document{Resource: resource, Concurrency: 4, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 5}}})
}

// used is what the app's limit says has been used and is held.
func (a *app) used() (used, held int64) {
	a.Helper()
	permission, err := a.pairing.Permission(a.id, resource)
	a.must(err)
	limits := a.ledger.Limits(permission.ID, permission.Document)
	return limits[0].Used, limits[0].Held
}

// Each row is a provider that misbehaves before its answer has begun. What
// failed costs nothing; what may have been worked on until the gateway gave up,
// or was answered, counts.
func TestProviderFails(t *testing.T) {
	t.Parallel()
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprint(conn, answer)
				conn.Close()
			}
		}
	}
	for _, row := range []struct {
		name     string
		settings []setting
		status   int
		code     string
		reached  int
		counted  int64
	}{
		{"refuses the connection", []setting{nowhere}, 502, "upstream_error", 0, 0},
		{"never connects", []setting{func(o *options) { o.baseURL = "https://10.255.255.1:9/v1" }, with(func(c *Config) { c.Timeouts.Dial = time.Nanosecond })}, 504, "upstream_timeout", 0, 0},
		{"hangs", []setting{behind(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), with(func(c *Config) { c.Timeouts.Header = 500 * time.Millisecond })}, 504, "upstream_timeout", 1, 1},
		{"hangs up", []setting{behind(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}, 502, "upstream_error", 1, 0},
		{"speaks no HTTP", []setting{behind(raw("220 mail.example ESMTP\r\n\r\n"))}, 502, "upstream_error", 1, 0},
		{"redirects", []setting{behind(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v1/elsewhere", http.StatusFound) })}, 502, "upstream_error", 1, 0},
		{"switches protocols", []setting{behind(raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))}, 502, "upstream_error", 1, 0},
		{"switches protocols silently", []setting{behind(raw("HTTP/1.1 101 Switching Protocols\r\n\r\n"))}, 502, "upstream_error", 1, 0},
		{"compresses", []setting{behind(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte("x"))
		})}, 502, "upstream_error", 1, 1},
		{"sends endless headers", []setting{behind(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxResponseHeader))
		})}, 502, "upstream_error", 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.settings...)
			a := limitedApp(b)
			got := a.post(question)
			if got.status != row.status || got.code() != row.code {
				t.Fatalf("%d %s: %s", got.status, got.code(), got.body)
			}
			checkHeaders(t, got)
			if used, held := a.used(); used != row.counted || held != 0 {
				t.Errorf("used %d, held %d, want %d and 0", used, held, row.counted)
			}
			if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Code != row.code || ended[0].Status != row.status {
				t.Errorf("audit: %+v", ended)
			}
			b.eventually(fmt.Sprint("the provider was asked as often as ", row.reached), func() bool { return b.reached() == row.reached })
		})
	}
}

// nowhere is an address on which nothing listens, nor another test comes to.
func nowhere(o *options) { o.baseURL = "http://127.0.0.1:1/v1" }

// The provider's own errors go through: status, body, and when to come back.
func TestProviderErrorsPassThrough(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Status: 429, RetryAfter: 7 * time.Second})
	a := limitedApp(b)
	got := a.post(question)
	if got.status != 429 || got.code() != "rate_limit_exceeded" || got.header.Get("Retry-After") != "7" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Status != 429 || ended[0].Code != "" {
		t.Errorf("audit: %+v", ended)
	}
	if used, held := a.used(); used != 0 || held != 0 {
		t.Errorf("used %d, held %d", used, held)
	}
}

// A provider that quotes the key does not give it to the app, wherever it puts
// it and however it cuts it into pieces.
func TestKeyIsScrubbed(t *testing.T) {
	t.Parallel()
	quote := func(kind string, status int, pieces ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("WWW-Authenticate", "Bearer "+canary)
			w.Header().Set("X-Request-Id", canary)
			w.Header().Set("OpenAI-Version", canary)
			w.Header().Set("Trailer", "X-Key")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(status)
			for _, piece := range pieces {
				w.Write([]byte(piece))
				http.NewResponseController(w).Flush()
				time.Sleep(time.Millisecond)
			}
			w.Header().Set("X-Key", canary)
		}
	}
	stars := strings.Repeat("*", len(canary))
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"error", quote("application/json", 400, `{"error":{"message":"bad key `+canary+`"}}`), `{"error":{"message":"bad key ` + stars + `"}}`},
		{"pieces", quote("application/json", 400, "a "+canary[:5], canary[5:20], canary[20:]+" b"), "a " + stars + " b"},
		{"beginning only", quote("application/json", 200, "a "+canary[:5], "-b", canary[:7]), "a " + canary[:5] + "-b" + canary[:7]},
		{"in base64", quote("application/json", 200, base64.StdEncoding.EncodeToString([]byte("Bearer "+canary))), "QmVhcmVyIH" + strings.Repeat("*", 36) + "E="},
		{"escaped", quote("application/json", 200, `"sk\u002dcan`, `\u0061ry\u0`, `02D`+canary[10:]+`"`), `"` + strings.Repeat("*", len(canary)+15) + `"`},
		{"stream", quote("text/event-stream", 200, "data: "+canary[:9], canary[9:]+"\n\n"), "data: " + stars + "\n\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, behind(row.handler))
			got := b.pair(anything()).post(question)
			if string(got.body) != row.want || got.err != nil {
				t.Errorf("%v: %s", got.err, got.body)
			}
			for name, values := range got.header {
				if strings.Contains(strings.Join(values, " "), canary) {
					t.Errorf("the key is in header %s", name)
				}
			}
			for _, e := range b.events() {
				if strings.Contains(fmt.Sprintf("%+v", e), canary) {
					t.Errorf("the key is in the audit log: %s", e.Kind)
				}
			}
		})
	}
}

// What a provider says about the owner's key is not for the app, which would
// learn parts of it, or take the refusal for one of its own.
func TestRefusedKeyIsNotTheApps(t *testing.T) {
	t.Parallel()
	const quoted = `{"error":{"message":"Incorrect API key provided: sk-cana*******************dba11.","code":"invalid_api_key"}}`
	b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(quoted))
	}))
	a := limitedApp(b)
	got := a.post(question)
	if got.status != 502 || got.code() != "upstream_error" || strings.Contains(string(got.body), "sk-") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got.header.Get("X-Should-Retry") != "false" || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("headers: %v", got.header)
	}
	if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Status != 502 || !strings.Contains(ended[0].Detail, "stored key") {
		t.Errorf("audit: %+v", ended)
	}
	if used, held := a.used(); used != 0 || held != 0 {
		t.Errorf("used %d, held %d", used, held)
	}
}

// Trailers pass no allowlist, so there are none, nor any announced.
func TestTrailersAreDropped(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application/json", "text/event-stream"} {
		b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Trailer", "X-Smuggled")
			w.Write([]byte("data: {}\n\n"))
			w.Header().Set("X-Smuggled", "yes")
			w.Header().Set(http.TrailerPrefix+"X-More", "yes")
		}))
		a := b.pair(anything())
		res, err := b.client().Do(a.request("POST", chatPath, question))
		b.must(err)
		_, err = io.Copy(io.Discard, res.Body)
		b.must(err)
		res.Body.Close()
		if res.Header.Get("Trailer") != "" || len(res.Trailer) != 0 {
			t.Errorf("%s: announced %v, came %v", kind, res.Header["Trailer"], res.Trailer)
		}
	}
}

// Only what the dialect lists reaches the provider, whatever a client sends
// along or nominates.
func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	conn, err := net.Dial("tcp", b.url[len("http://"):])
	b.must(err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: evil.example\r\n", chatPath)
	for _, line := range []string{
		"Authorization: DPoP " + a.token,
		"DPoP: " + a.prove("POST", b.url+chatPath, []byte(question)),
		"Content-Type: application/json",
		fmt.Sprintf("Content-Length: %d", len(question)),
		"Connection: close, X-Nominated, Idempotency-Key",
		"Idempotency-Key: nominated",
		"X-Nominated: smuggled", "Keep-Alive: timeout=7", "Te: trailers", "Proxy-Connection: keep-alive",
		"Cookie: session=smuggled", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https",
		"Forwarded: for=192.0.2.7", "X-Real-Ip: 192.0.2.7", "Via: 1.1 evil", "Origin: https://evil.example", "Referer: https://evil.example",
		"X-Api-Key: smuggled", "Api-Key: smuggled", "X-Goog-Api-Key: smuggled", "Proxy-Authorization: Basic c211Z2dsZWQ=",
		"OpenAI-Organization: smuggled", "OpenAI-Project: smuggled", "X-Http-Method-Override: DELETE", "Accept-Encoding: gzip",
		"User-Agent: smuggled", "X-Request-Id: smuggled", "X-Anything: smuggled",
	} {
		fmt.Fprintf(conn, "%s\r\n", line)
	}
	fmt.Fprintf(conn, "\r\n%s", question)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	b.must(err)
	if res.StatusCode != http.StatusOK || strings.Contains(res.Header.Get("X-Request-Id"), "smuggled") {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	seen := b.fake.Requests()
	if len(seen) != 1 {
		t.Fatalf("the provider saw %d requests", len(seen))
	}
	allowed := map[string]string{
		"Authorization": "Bearer " + canary, "Content-Type": "application/json", "Accept-Encoding": "identity",
		"User-Agent": "keywicket", "Content-Length": fmt.Sprint(len(question)),
	}
	for name, values := range seen[0].Header {
		if want, ok := allowed[name]; !ok || len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q reached the provider", name, values)
		}
	}
	if host := strings.TrimSuffix(strings.TrimPrefix(b.fake.BaseURL(), "http://"), "/v1"); seen[0].Host != host || seen[0].Path != "/v1/chat/completions" || seen[0].RawQuery != "" {
		t.Errorf("it went to %s%s?%s", seen[0].Host, seen[0].Path, seen[0].RawQuery)
	}
	if string(seen[0].Body) != question {
		t.Errorf("body: %s", seen[0].Body)
	}
}

// No spelling of a path reaches anything but the endpoints listed.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	for _, path := range []string{
		"/r/llm/openai/v1/../v1/models", "/r/llm/openai/v1/..%2fmodels", "/r/llm/openai/%2e%2e/models", "/r/llm/openai/%252e%252e/models",
		"/r/llm/openai//models", "/r/llm/openai/v1//models", "/r/llm/openai/models/", "/r/llm/openai/models;x", "/r/llm/openai/models%00",
		"/r/llm/openai/models%20", "/r/llm/openai/models.", "/r/llm/openai/MODELS", "/r/llm/openai/v1/v1/models", `/r/llm/openai/v1\models`,
		"/r/llm/openai/%6dodels", "/r/llm%2fopenai/models", "/r/LLM/openai/models", "/r//openai/models", "/r/llm/openai%2fmodels",
		"/r/llm:openai/models", "/r/llm/openai@evil.example/models", "/r/llm/openai/http://evil.example/models",
	} {
		conn, err := net.Dial("tcp", b.url[len("http://"):])
		b.must(err)
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n\r\n", path, a.token, a.prove("GET", b.url+path, nil))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		b.must(err)
		if res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		conn.Close()
	}
	if b.reached() != 0 {
		t.Errorf("the provider saw %d requests, such as %s", b.reached(), b.fake.Requests()[0].Path)
	}
}
