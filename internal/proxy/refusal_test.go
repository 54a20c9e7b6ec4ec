package proxy

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// Each row is a request that is refused: with this status and code, with one
// audit line, and without the provider seeing a byte.
func TestRefused(t *testing.T) {
	t.Parallel()
	type row struct {
		name     string
		granted  policy.Document
		settings []setting
		before   func(*app)
		request  func(*app) *http.Request
		status   int
		code     string
	}
	post := func(body string) func(*app) *http.Request {
		return func(a *app) *http.Request { return a.request("POST", chatPath, body) }
	}
	get := func(path string) func(*app) *http.Request {
		return func(a *app) *http.Request { return a.request("GET", path, "") }
	}
	changed := func(change func(*app, *http.Request)) func(*app) *http.Request {
		return func(a *app) *http.Request {
			r := a.request("POST", chatPath, question)
			change(a, r)
			return r
		}
	}
	limited := func(l policy.Limit) policy.Document {
		return policy.Document{Resource: resource, Limits: []policy.Limit{l}}
	}
	future := noon.Add(time.Hour)
	spend := func(a *app) {
		a.Helper()
		if got := a.post(question); got.status != http.StatusOK {
			a.Fatalf("first request: %d %s", got.status, got.body)
		}
		a.fake.Forget()
	}

	rows := []row{
		{name: "malformed body", request: post(`{"model":`), status: 400, code: "invalid_request"},
		{name: "duplicate member", request: post(`{"model":"gpt-4o","model":"gpt-4o-mini","messages":[]}`), status: 400, code: "invalid_request"},
		{name: "wrong type", request: post(`{"model":7,"messages":[]}`), status: 400, code: "invalid_request"},
		{name: "upgrade", request: changed(func(_ *app, r *http.Request) {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "websocket")
		}), status: 400, code: "invalid_request"},

		{name: "no credentials", request: changed(func(_ *app, r *http.Request) { r.Header.Del("Authorization") }), status: 401, code: "invalid_token"},
		{name: "bearer", request: changed(func(a *app, r *http.Request) { r.Header.Set("Authorization", "Bearer "+a.token) }), status: 401, code: "invalid_token"},
		{name: "garbage token", request: changed(func(a *app, r *http.Request) { withToken(a, r, "x.y.z") }), status: 401, code: "invalid_token"},
		{name: "two tokens", request: changed(func(a *app, r *http.Request) { r.Header.Add("Authorization", "DPoP "+a.token) }), status: 401, code: "invalid_token"},
		{name: "token too old", before: func(a *app) { a.clock.advance(6 * time.Minute) }, request: post(question), status: 401, code: "invalid_token"},
		{name: "revoked before", before: func(a *app) { a.must(a.pairing.Revoke(a.id)) }, request: post(question), status: 401, code: "invalid_token"},
		{name: "no proof", request: changed(func(_ *app, r *http.Request) { r.Header.Del("DPoP") }), status: 401, code: "invalid_dpop_proof"},
		{name: "two proofs", request: changed(func(a *app, r *http.Request) {
			r.Header.Add("DPoP", a.prove("POST", a.url+chatPath, []byte(question)))
		}), status: 401, code: "invalid_dpop_proof"},
		{name: "proof for another method", request: changed(func(a *app, r *http.Request) {
			r.Header.Set("DPoP", a.prove("PUT", a.url+chatPath, []byte(question)))
		}), status: 401, code: "invalid_dpop_proof"},
		{name: "proof for another path", request: changed(func(a *app, r *http.Request) {
			r.Header.Set("DPoP", a.prove("POST", a.url+"/r/llm/openai/v1/models", []byte(question)))
		}), status: 401, code: "invalid_dpop_proof"},
		{name: "proof for another host", request: changed(func(a *app, r *http.Request) {
			r.Host = "evil.example"
			r.Header.Set("DPoP", a.prove("POST", "http://evil.example"+chatPath, []byte(question)))
		}), status: 401, code: "invalid_dpop_proof"},
		{name: "proof for another body", request: changed(func(a *app, r *http.Request) {
			r.Header.Set("DPoP", a.prove("POST", a.url+chatPath, []byte(streamed)))
		}), status: 401, code: "invalid_dpop_proof"},
		{name: "proof by another key", request: changed(func(a *app, r *http.Request) {
			other := *a
			other.key, _ = dpop.GenerateKey(dpop.Ed25519, a.proxy.cfg.Rand)
			r.Header.Set("DPoP", other.prove("POST", a.url+chatPath, []byte(question)))
		}), status: 401, code: "invalid_token"},

		{name: "not granted", granted: policy.Document{Resource: "llm:other"}, request: post(question), status: 403, code: "resource_not_granted"},
		{name: "action", granted: policy.Document{Resource: resource, Actions: []string{"models.list"}}, request: post(question), status: 403, code: "action_not_granted"},
		{name: "expired", granted: policy.Document{Resource: resource, ExpiresAt: future}, before: func(a *app) { a.clock.advance(2 * time.Hour); a.renew() }, request: post(question), status: 403, code: "permission_expired"},
		{name: "not yet", granted: policy.Document{Resource: resource, NotBefore: future}, request: post(question), status: 403, code: "not_yet_valid"},
		{name: "model", granted: policy.Document{Resource: resource, Models: []string{"gpt-4.1*"}}, request: post(question), status: 403, code: "model_not_allowed"},
		{name: "model denied", granted: policy.Document{Resource: resource, DenyModels: []string{"*mini"}}, request: post(question), status: 403, code: "model_not_allowed"},
		{name: "output cap", granted: policy.Document{Resource: resource, MaxOutputTokens: 5}, request: post(`{"model":"gpt-4o","max_tokens":6,"messages":[{"role":"user","content":"x"}]}`), status: 403, code: "output_cap_exceeded"},
		{name: "tools", granted: policy.Document{Resource: resource, Tools: policy.Deny}, request: post(`{"model":"gpt-4o","tools":[{"type":"function"}],"messages":[{"role":"user","content":"x"}]}`), status: 403, code: "tools_not_allowed"},
		{name: "streaming", granted: policy.Document{Resource: resource, Streaming: policy.Deny}, request: post(streamed), status: 403, code: "streaming_not_allowed"},
		{name: "suspended", before: func(a *app) { a.must(a.pairing.Suspend(a.id)) }, request: post(question), status: 403, code: "app_suspended"},

		{name: "unknown provider", request: get("/r/llm/nobody/v1/models"), status: 404, code: "unknown_resource"},
		{name: "no provider", request: get("/r/llm"), status: 404, code: "unknown_resource"},
		{name: "nothing", request: get("/r/"), status: 404, code: "unknown_resource"},
		{name: "endpoint", request: get("/r/llm/openai/v1/files"), status: 404, code: "unsupported_endpoint"},
		{name: "no endpoint", request: get("/r/llm/openai"), status: 404, code: "unsupported_endpoint"},
		{name: "method", request: func(a *app) *http.Request { return a.request("DELETE", chatPath, "") }, status: 404, code: "unsupported_endpoint"},
		{name: "OPTIONS", request: func(a *app) *http.Request { return a.request("OPTIONS", chatPath, "") }, status: 404, code: "unsupported_endpoint"},
		{name: "made-up method", request: func(a *app) *http.Request { return a.request("BREW", chatPath, "") }, status: 404, code: "unsupported_endpoint"},
		{name: "escaped path", request: get("/r/llm/openai/v1/%6dodels"), status: 404, code: "unsupported_endpoint"},

		{name: "policy's body bound", granted: policy.Document{Resource: resource, MaxBodyBytes: 10}, request: post(question), status: 413, code: "body_too_large"},
		{name: "gateway's body bound", settings: []setting{with(func(c *Config) { c.MaxBodyBytes = 20 })}, request: post(question), status: 413, code: "body_too_large"},
		{name: "body of unknown length", settings: []setting{with(func(c *Config) { c.MaxBodyBytes = 20 })}, request: changed(func(a *app, r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(question)), -1
		}), status: 413, code: "body_too_large"},
		{name: "compressed body", request: changed(func(_ *app, r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), status: 415, code: "unsupported_encoding"},

		{name: "rate", granted: limited(policy.Limit{Per: policy.Minute, Requests: 1}), before: func(a *app) { a.clock.stop(); spend(a) }, request: post(question), status: 429, code: "rate_limited"},
		{name: "day spent", granted: limited(policy.Limit{Per: policy.Day, Requests: 1}), before: spend, request: post(question), status: 429, code: "request_quota_spent"},
		{name: "lifetime spent", granted: limited(policy.Limit{Per: policy.Lifetime, Requests: 1}), before: spend, request: post(question), status: 429, code: "request_quota_spent"},
		{name: "too many at once", settings: []setting{with(func(c *Config) { c.MaxRunning = 1 })}, before: func(a *app) {
			other := &entry{cancel: func(error) {}}
			a.must(a.proxy.running.add(other))
			a.Cleanup(func() { a.proxy.running.remove(other) })
		}, request: post(question), status: 429, code: "concurrency_limited"},

		{name: "no key", settings: []setting{func(o *options) { o.noKey = true }}, request: post(question), status: 502, code: "upstream_error"},
		{name: "locked", before: func(a *app) { a.vault.Lock() }, request: post(question), status: 503, code: "vault_locked"},
		{name: "frozen", before: func(a *app) { a.must(a.pairing.Freeze()) }, request: post(question), status: 503, code: "frozen"},
		{name: "shutting down", before: func(a *app) { a.proxy.running.close() }, request: post(question), status: 503, code: "shutting_down"},
		{name: "replay memory full", settings: []setting{func(o *options) { o.replay = 4 }}, before: func(a *app) {
			for range 8 {
				a.do(a.request("GET", "/r/llm/openai/v1/models", ""))
			}
			a.fake.Forget()
		}, request: post(question), status: 503, code: "proofs_exhausted"},
		{name: "replay journal closed", before: func(a *app) { a.must(a.replay.Close()) }, request: post(question), status: 503, code: "audit_unavailable"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.granted.Resource == "" {
				row.granted = anything()
			}
			b := newBench(t, row.settings...)
			a := b.pair(row.granted)
			if row.before != nil {
				row.before(a)
			}
			got := b.do(row.request(a))
			if got.status != row.status || got.code() != row.code {
				t.Fatalf("got %d %s, want %d %s: %s", got.status, got.code(), row.status, row.code, got.body)
			}
			if n := b.reached(); n != 0 {
				t.Errorf("the provider saw %d requests", n)
			}
			checkHeaders(t, got)
			checkDenial(b, got, row.code)
		})
	}
}

// An SDK that honours Retry-After would keep its app waiting for minutes where
// only the owner can help.
func TestShouldRetry(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		before func(*app)
		after  string
		retry  string
	}{
		{"frozen", func(a *app) { a.must(a.pairing.Freeze()) }, "60", "false"},
		{"locked", func(a *app) { a.vault.Lock() }, "30", "false"},
		{"shutting down", func(a *app) { a.proxy.running.close() }, "5", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := newBench(t).pair(anything())
			row.before(a)
			h := a.post(question).header
			if h.Get("Retry-After") != row.after || h.Get("X-Should-Retry") != row.retry {
				t.Errorf("Retry-After %q, X-Should-Retry %q", h.Get("Retry-After"), h.Get("X-Should-Retry"))
			}
		})
	}
}

// renew gets the app a new access token after its clock was moved.
func (a *app) renew() {
	a.Helper()
	granted := a.pairing.Permissions(a.id)
	if len(granted) == 0 {
		a.Fatal("nothing was granted")
	}
	asked, err := a.pairing.AskDevice(a.Context(), pairing.DeviceRequest{ClientID: a.id, Scope: resource, DPoPJKT: a.key.Thumbprint()})
	a.must(err)
	for _, r := range a.pairing.Requests() {
		a.must(a.pairing.Approve(r.ID, []policy.Document{granted[0].Document}))
	}
	a.token = a.exchange(pairing.TokenRequest{GrantType: pairing.GrantDeviceCode, DeviceCode: asked.DeviceCode})
}

func checkHeaders(t *testing.T, got result) {
	t.Helper()
	h := got.header
	if h.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.id(), "req_") {
		t.Errorf("headers: %v", h)
	}
	if (h.Get("WWW-Authenticate") != "") != (got.status == http.StatusUnauthorized) {
		t.Errorf("challenge %q on a %d", h.Get("WWW-Authenticate"), got.status)
	}
	after := h.Get("Retry-After")
	if n, err := strconv.Atoi(after); after != "" && (err != nil || n < 1) {
		t.Errorf("Retry-After: %q", after)
	}
	if got.status == http.StatusServiceUnavailable && after == "" {
		t.Error("503 without Retry-After")
	}
	if strings.Contains(string(got.body), canary) {
		t.Error("the key is in the answer")
	}
}

// checkDenial wants exactly one audit line, of a denial with the code.
func checkDenial(b *bench, got result, code string) {
	b.Helper()
	var lines []audit.Event
	for _, e := range b.events() {
		if e.RequestID == got.id() {
			lines = append(lines, e)
		}
	}
	if got.status == http.StatusBadGateway { // found out after the start was recorded
		if len(lines) != 2 || lines[1].Kind != audit.RequestEnded || lines[1].Code != code || lines[1].Status != got.status {
			b.Errorf("audit lines: %+v", lines)
		}
		return
	}
	if len(lines) != 1 || lines[0].Kind != audit.RequestDenied || lines[0].Code != code || lines[0].Status != got.status {
		b.Errorf("audit lines: %+v", lines)
	}
}

func TestReplayedProof(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	r := a.request("POST", chatPath, question)
	again := r.Clone(t.Context())
	again.Body, _ = r.GetBody()
	if got := b.do(r); got.status != http.StatusOK {
		t.Fatalf("first: %d %s", got.status, got.body)
	}
	if got := b.do(again); got.status != http.StatusUnauthorized || got.code() != "invalid_dpop_proof" || b.reached() != 1 {
		t.Errorf("again: %d %s, provider saw %d", got.status, got.code(), b.reached())
	}
}

// Which check failed must not show: the answers differ in nothing but the code
// of their kind and the request id.
func TestAuthenticationFailuresLookAlike(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	revoked := b.pair(anything())
	b.must(b.pairing.Revoke(revoked.id))
	ask := func(from *app, change func(*http.Request)) string {
		r := from.request("POST", chatPath, question)
		change(r)
		got := b.do(r)
		if got.status != http.StatusUnauthorized {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
		return strings.ReplaceAll(string(got.body), got.id(), "id") + got.header.Get("WWW-Authenticate")
	}
	same := func(want string, others ...string) {
		t.Helper()
		for _, other := range others {
			if other != want {
				t.Errorf("%s\n%s", want, other)
			}
		}
	}
	late := b.pair(anything())
	old := late.token
	same(ask(a, func(r *http.Request) { withToken(a, r, "no.such.token") }),
		ask(revoked, func(*http.Request) {}),
		ask(revoked, func(r *http.Request) { withToken(revoked, r, a.token) }),
		ask(a, func(r *http.Request) { withToken(a, r, revoked.token) }),
		ask(a, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+a.token) }),
		ask(a, func(r *http.Request) { r.Header.Set("Authorization", "Basic eA==") }),
		ask(late, func(r *http.Request) {
			b.clock.advance(6 * time.Minute)
			withToken(late, r, old)
		}),
	)
	same(ask(a, func(r *http.Request) { r.Header.Set("DPoP", "x") }),
		ask(a, func(r *http.Request) { r.Header.Del("DPoP") }),
		ask(revoked, func(r *http.Request) { r.Header.Del("DPoP") }),
		ask(a, func(r *http.Request) { r.Header.Set("Authorization", "DPoP no.such.token") }),
		ask(revoked, func(r *http.Request) { r.Header.Set("DPoP", r.Header.Get("DPoP")+"x") }),
	)
}

// withToken makes the request one for another token, with a proof to match.
func withToken(a *app, r *http.Request, token string) {
	a.Helper()
	other := *a
	other.token = token
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", other.prove("POST", a.url+chatPath, []byte(question)))
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	const algs = `algs="ES256 EdDSA Ed25519 PS256"`
	for _, row := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }, "DPoP " + algs},
		{"token", func(r *http.Request) { withToken(a, r, "x") }, `DPoP error="invalid_token", ` + algs},
		{"proof", func(r *http.Request) { r.Header.Set("DPoP", "x") }, `DPoP error="invalid_dpop_proof", ` + algs},
	} {
		r := a.request("POST", chatPath, question)
		row.change(r)
		if got := b.do(r); got.status != 401 || len(got.header.Values("WWW-Authenticate")) != 1 || got.header.Get("WWW-Authenticate") != row.want {
			t.Errorf("%s: %d %q", row.name, got.status, got.header.Values("WWW-Authenticate"))
		}
	}
}

func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Day, Requests: 1}}})
	if got := a.post(question); got.status != 200 || got.header.Get("X-RateLimit-Limit") != "" {
		t.Fatalf("first: %d %v", got.status, got.header)
	}
	got := a.post(question)
	reset, err := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
	b.must(err)
	if left := time.Unix(reset, 0).Sub(b.clock.now()); left <= 0 || left > 25*time.Hour {
		t.Errorf("resets in %v", left)
	}
	if got.header.Get("X-RateLimit-Limit") != "1" || got.header.Get("X-RateLimit-Remaining") != "0" || got.header.Get("Retry-After") == "" {
		t.Errorf("headers: %v", got.header)
	}
}

func TestAuditUnavailable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 5}}})
	b.must(b.audit.Close())
	got := a.post(question)
	if got.status != 503 || got.code() != "audit_unavailable" || got.header.Get("Retry-After") == "" || b.reached() != 0 {
		t.Errorf("%d %s, provider saw %d", got.status, got.code(), b.reached())
	}
	permission, err := b.pairing.Permission(a.id, resource)
	b.must(err)
	if l := b.ledger.Limits(permission.ID, permission.Document); l[0].Used != 0 || l[0].Held != 0 {
		t.Errorf("refused request was counted: %+v", l[0])
	}
}

// HEAD is answered like any unknown endpoint, without a body.
func TestHead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	got := b.do(a.request("HEAD", "/r/llm/openai/v1/models", ""))
	if got.status != 404 || len(got.body) != 0 || b.reached() != 0 {
		t.Errorf("%d %q", got.status, got.body)
	}
}

// Refused requests of nobody in particular cannot fill the disk.
func TestStrangersLeaveFewLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.clock.stop()
	client := b.client()
	client.Transport.(*http.Transport).DisableKeepAlives = false
	for range 3 * linesAtOnce {
		res, err := client.Post(b.url+chatPath, "application/json", strings.NewReader(question))
		b.must(err)
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != 401 {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	if n := len(b.events()); n > 2*linesAtOnce {
		t.Errorf("%d lines", n)
	}
	b.clock.advance(time.Minute)
	a := b.pair(anything())
	r := a.request("POST", chatPath, question)
	r.Header.Del("DPoP")
	got := b.do(r)
	lines := b.recorded(audit.RequestDenied, got.id())
	if len(lines) != 1 || !strings.Contains(lines[0].Detail, "not recorded") {
		t.Errorf("lines: %+v", lines)
	}
}

func TestUnknownErrorsSayNothing(t *testing.T) {
	t.Parallel()
	no := refusalOf(io.ErrNoProgress)
	if no.status != 500 || bytes.Contains(plainBody(no.failure("req_x")), []byte("Progress")) {
		t.Errorf("%+v", no)
	}
}
