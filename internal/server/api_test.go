package server

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// paired is an app with tokens.
type paired struct {
	*oauthServer
	id, access, refresh string
}

// pair takes a new app to its tokens without a visit of the owner.
func (s *oauthServer) pair(documents ...policy.Document) *paired {
	s.t.Helper()
	registered := s.send("POST", "/oauth/register", `{"client_name":"Notes"}`, "Content-Type", "application/json",
		"Authorization", "Bearer "+s.code(pairing.StringOptions{Approve: true, Preset: documents}))
	id := registered.text("client_id")
	asked := s.form("/oauth/device", url.Values{"client_id": {id}})
	tokens := s.form("/oauth/token", url.Values{
		"grant_type": {pairing.GrantDeviceCode}, "client_id": {id}, "device_code": {asked.text("device_code")},
	}, "DPoP", s.proof(dpop.Claims{URL: "/oauth/token"}))
	if tokens.StatusCode != 200 {
		s.t.Fatalf("pairing: %d %s", tokens.StatusCode, tokens.raw)
	}
	return &paired{s, id, tokens.text("access_token"), tokens.text("refresh_token")}
}

// call makes a request with token and proof.
func (p *paired) call(method, path, body string, headers ...string) reply {
	p.t.Helper()
	return p.send(method, path, body, append([]string{"Authorization", "DPoP " + p.access, "DPoP", p.sign(method, path, body, p.key)}, headers...)...)
}

func (p *paired) sign(method, path, body string, key *dpop.Key) string {
	p.t.Helper()
	claims := dpop.Claims{Method: method, URL: p.URL() + path, AccessToken: p.access}
	if body != "" {
		claims.BodyHash = dpop.BodyHash(sha256.Sum256([]byte(body)))
	}
	proof, err := key.Sign(claims, p.signAt())
	if err != nil {
		p.t.Fatal(err)
	}
	return proof
}

func TestAppSeesItself(t *testing.T) {
	t.Parallel()
	now := time.Now()
	clock := func() time.Time { return now } // stands: the day must not end between
	s := newOAuthServerWith(t, func(c *Config) { c.Clock = clock })
	s.signAt = clock
	p := s.pair(policy.Document{Resource: "llm:openai", Models: []string{"gpt-4o*"}, Limits: []policy.Limit{{Per: policy.Day, Requests: 100}}})
	permission := s.rooms.pairing.Permissions(p.id)[0]
	for range 2 {
		held, err := s.rooms.ledger.Reserve(permission.ID, permission.Document, policy.Request{
			AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o", Time: now,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer held.Release()
	}
	got := p.call("GET", "/api/app", "")
	if got.StatusCode != 200 || got.text("id") != p.id || got.text("name") != "Notes" || got.text("status") != "active" || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", got.StatusCode, got.raw)
	}
	if session := got.members["session"].(map[string]any); session["thumbprint"] != s.key.Thumbprint() || session["id"] == "" {
		t.Errorf("session is %v", session)
	}
	all := got.members["permissions"].([]any)
	own := all[0].(map[string]any)
	usage := own["usage"].([]any)[0].(map[string]any)
	if len(all) != 1 || own["resource"] != "llm:openai" || joined(own["models"]) != "gpt-4o*" ||
		usage["per"] != "day" || usage["unit"] != "requests" || usage["limit"] != 100.0 || usage["used"] != 0.0 || usage["held"] != 2.0 || usage["resets_at"] == nil {
		t.Errorf("permissions are %s", got.raw)
	}
	if err := s.rooms.pairing.Suspend(p.id); err != nil {
		t.Fatal(err)
	}
	if got := p.call("GET", "/api/app", ""); got.StatusCode != 200 || got.text("status") != "suspended" {
		t.Errorf("suspended: %d %s", got.StatusCode, got.raw)
	}
	if strings.Contains(got.raw, `"usage":null`) {
		t.Errorf("a list is null: %s", got.raw)
	}
}

func TestAppIsSeenByNobodyElse(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	p := s.pair(policy.Document{Resource: "llm:openai"})
	other, err := dpop.GenerateKey(dpop.ES256, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := p.sign("GET", "/api/app", "", s.key)
	for name, row := range map[string]struct {
		headers   []string
		challenge string
	}{
		"nothing":        {nil, `DPoP algs=`},
		"token alone":    {[]string{"Authorization", "DPoP " + p.access}, `DPoP error="invalid_dpop_proof"`},
		"bearer":         {[]string{"Authorization", "Bearer " + p.access, "DPoP", good}, `DPoP error="invalid_token"`},
		"another key":    {[]string{"Authorization", "DPoP " + p.access, "DPoP", p.sign("GET", "/api/app", "", other)}, `DPoP error="invalid_token"`},
		"another path":   {[]string{"Authorization", "DPoP " + p.access, "DPoP", p.sign("GET", "/api/apps", "", s.key)}, `DPoP error="invalid_dpop_proof"`},
		"another method": {[]string{"Authorization", "DPoP " + p.access, "DPoP", p.sign("POST", "/api/app", "", s.key)}, `DPoP error="invalid_dpop_proof"`},
	} {
		got := s.send("GET", "/api/app", "", row.headers...)
		if got.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), row.challenge) {
			t.Errorf("%s: %d %q %s", name, got.StatusCode, got.Header.Get("WWW-Authenticate"), got.raw)
		}
	}
	if err := s.rooms.pairing.Revoke(p.id); err != nil {
		t.Fatal(err)
	}
	expect(t, p.call("GET", "/api/app", ""), 401, "invalid_token")
}

// TestKeyRotationOverHTTP changes an app over to another key.
func TestKeyRotationOverHTTP(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	p := s.pair(policy.Document{Resource: "llm:openai"})
	next, err := dpop.GenerateKey(dpop.EdDSA, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := next.Sign(dpop.Claims{Method: "POST", URL: s.URL() + "/oauth/keys"}, s.signAt())
	if err != nil {
		t.Fatal(err)
	}
	const kind = "application/json"
	for _, body := range []string{``, `[]`, `{"proof":7}`, `{"proof":"` + second + `","x":1}`} {
		expect(t, p.call("POST", "/oauth/keys", body, "Content-Type", kind), 400, "invalid_request")
	}
	altered := s.send("POST", "/oauth/keys", `{"proof":"x"}`, "Content-Type", kind,
		"Authorization", "DPoP "+p.access, "DPoP", p.sign("POST", "/oauth/keys", `{"proof":"y"}`, s.key))
	expect(t, altered, 401, "invalid_dpop_proof")
	if got := p.call("POST", "/oauth/keys", `{"proof":"`+second+`"}`, "Content-Type", kind); got.StatusCode != 204 || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", got.StatusCode, got.raw)
	}
	renewal := url.Values{"grant_type": {"refresh_token"}, "client_id": {p.id}, "refresh_token": {p.refresh}}
	old := s.key
	for _, key := range []*dpop.Key{old, next} {
		s.key = key
		if got := s.form("/oauth/token", renewal, "DPoP", s.proof(dpop.Claims{URL: "/oauth/token"})); got.StatusCode != 200 {
			t.Errorf("renewing: %d %s", got.StatusCode, got.raw)
		}
	}
	s.key = old
	expect(t, s.form("/oauth/token", renewal, "DPoP", s.proof(dpop.Claims{URL: "/oauth/token"})), 400, "invalid_grant")
}
