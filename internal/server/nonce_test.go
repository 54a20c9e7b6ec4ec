package server

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// TestServerNonces walks from code to use with nonces required: each proof
// without one is answered with one.
func TestServerNonces(t *testing.T) {
	t.Parallel()
	s := newOAuthServerWith(t, func(c *Config) { c.DPoPNonce = true })
	code := s.code(pairing.StringOptions{Approve: true, Preset: []policy.Document{{Resource: "llm:openai"}}})
	try := func(path, token string, status int, send func(proof string) reply) reply {
		t.Helper()
		claims := dpop.Claims{URL: path, AccessToken: token}
		refused := send(s.proof(claims))
		if refused.StatusCode != status || !strings.Contains(refused.raw, `"use_dpop_nonce"`) {
			t.Errorf("%s without a nonce: %d %s", path, refused.StatusCode, refused.raw)
		}
		if challenge := refused.Header.Get("WWW-Authenticate"); (status == 401) != strings.HasPrefix(challenge, `DPoP error="use_dpop_nonce"`) {
			t.Errorf("%s: challenge %q", path, challenge)
		}
		claims.Nonce = "made up"
		if got := send(s.proof(claims)); got.StatusCode != status {
			t.Errorf("%s with a nonce of its own: %d", path, got.StatusCode)
		}
		if claims.Nonce = refused.Header.Get("DPoP-Nonce"); claims.Nonce == "" {
			t.Fatalf("%s gives no nonce", path)
		}
		got := send(s.proof(claims))
		if got.StatusCode >= 400 && got.StatusCode != 503 { // 503: the vault is locked
			t.Fatalf("%s: %d %s", path, got.StatusCode, got.raw)
		}
		if got.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: no nonce on a good answer", path)
		}
		return got
	}
	registered := try("/oauth/register", code, 401, func(proof string) reply {
		return s.send("POST", "/oauth/register", `{}`, "Content-Type", "application/json", "Authorization", "DPoP "+code, "DPoP", proof)
	})
	id := registered.text("client_id")
	asked := try("/oauth/device", "", 400, func(proof string) reply {
		return s.form("/oauth/device", url.Values{"client_id": {id}}, "DPoP", proof)
	})
	form := url.Values{"grant_type": {pairing.GrantDeviceCode}, "client_id": {id}, "device_code": {asked.text("device_code")}}
	tokens := try("/oauth/token", "", 400, func(proof string) reply { return s.form("/oauth/token", form, "DPoP", proof) })
	access := tokens.text("access_token")
	try("/r/llm/openai/v1/chat/completions", access, 401, func(proof string) reply {
		return s.send("POST", "/r/llm/openai/v1/chat/completions", `{"model":"gpt-4o","messages":[]}`, "Authorization", "DPoP "+access, "DPoP", proof)
	})
	p := &paired{oauthServer: s, id: id, access: access}
	got := p.call("GET", "/api/app", "")
	if got.StatusCode != 401 || got.text("error") != "use_dpop_nonce" || got.Header.Get("DPoP-Nonce") == "" {
		t.Errorf("/api/app: %d %s", got.StatusCode, got.raw)
	}
	claims := dpop.Claims{Method: "GET", URL: s.URL() + "/api/app", AccessToken: access, Nonce: got.Header.Get("DPoP-Nonce")}
	proof, err := s.key.Sign(claims, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.send("GET", "/api/app", "", "Authorization", "DPoP "+access, "DPoP", proof); got.StatusCode != 200 {
		t.Errorf("/api/app: %d %s", got.StatusCode, got.raw)
	}
}

func TestNoNoncesUnlessAsked(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	if got := s.send("GET", "/oauth/jwks", ""); got.Header.Get("DPoP-Nonce") != "" {
		t.Error("gives nonces")
	}
}
