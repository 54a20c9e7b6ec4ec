package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

const page = "https://notes.example"

// preflightOf asks as a browser does before a page at origin sends a request.
func (s *oauthServer) preflightOf(path, origin string) reply {
	s.t.Helper()
	return s.send("OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "authorization,content-type,dpop,x-stainless-os")
}

// readable says whether a page may read an answer.
func readable(r reply, origin string) bool {
	return r.Header.Get("Access-Control-Allow-Origin") == origin
}

func TestPagesThatAnAppMayBeOn(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	const chat = "/r/llm/openai/v1/chat/completions"
	p := s.pair(policy.Document{Resource: "llm:openai", Origins: []string{page, "http://localhost:5173"}})

	for _, path := range []string{chat, "/oauth/token", "/oauth/par", "/oauth/register", "/api/app"} {
		got := s.preflightOf(path, page)
		if got.StatusCode != 204 || !readable(got, page) || got.Header.Get("Access-Control-Allow-Methods") != "POST" ||
			got.Header.Get("Access-Control-Allow-Headers") != "authorization,content-type,dpop,x-stainless-os" {
			t.Errorf("%s: preflight %d %v", path, got.StatusCode, got.Header)
		}
		if !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Origin") || got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: preflight %v", path, got.Header)
		}
		for _, origin := range []string{"https://evil.example", "null", "https://notes.example.evil.example", "http://notes.example", "https://notes.example:8443"} {
			if got := s.preflightOf(path, origin); got.StatusCode != 403 || got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, got.StatusCode, got.Header)
			}
		}
	}
	if got := s.preflightOf("/r/mail/resend/emails", page); got.StatusCode != 403 {
		t.Errorf("preflight for what is not granted: %d", got.StatusCode)
	}

	post := func(p *paired, origin string) reply {
		return p.call("POST", chat, `{"model":"gpt-4o"}`, "Content-Type", "application/json", "Origin", origin)
	}
	// The vault is locked: what matters is who may read that.
	if got := post(p, page); got.StatusCode != 503 || !readable(got, page) || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
		t.Errorf("granted page: %d %v", got.StatusCode, got.Header)
	}
	if got := post(p, "https://evil.example"); readable(got, "https://evil.example") || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another page: %v", got.Header)
	}
	unsigned := s.send("POST", chat, "", "Origin", page)
	if unsigned.StatusCode != 401 || !readable(unsigned, page) || !strings.Contains(unsigned.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
		t.Errorf("challenge for a page: %d %v", unsigned.StatusCode, unsigned.Header)
	}
	if got := p.call("GET", "/api/app", "", "Origin", page); got.StatusCode != 200 || !readable(got, page) {
		t.Errorf("own permissions: %d %v", got.StatusCode, got.Header)
	}

	if err := s.rooms.pairing.Revoke(p.id); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{chat, "/oauth/token"} {
		if got := s.preflightOf(path, page); got.StatusCode != 403 {
			t.Errorf("%s after the app was revoked: %d", path, got.StatusCode)
		}
	}
}

func TestPagesThatPair(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	if got := s.preflightOf("/oauth/register", page); got.StatusCode != 403 {
		t.Errorf("before anything: %d", got.StatusCode)
	}
	code := s.code(pairing.StringOptions{Preset: []policy.Document{{Resource: "llm:openai", Origins: []string{page}}}})
	if got := s.preflightOf("/oauth/register", page); got.StatusCode != 204 {
		t.Errorf("named in a pairing string: %d", got.StatusCode)
	}
	if got := s.send("GET", "/.well-known/oauth-authorization-server", "", "Origin", page); got.StatusCode != 200 || !readable(got, page) {
		t.Errorf("metadata: %d %v", got.StatusCode, got.Header)
	}
	registered := s.send("POST", "/oauth/register", `{"client_name":"Notes","redirect_uris":["https://cb.example:443/x"]}`,
		"Content-Type", "application/json", "Authorization", "Bearer "+code, "Origin", page)
	if registered.StatusCode != 201 || !readable(registered, page) {
		t.Errorf("registering: %d %v", registered.StatusCode, registered.Header)
	}
	for _, origin := range []string{page, "https://cb.example"} {
		if got := s.preflightOf("/oauth/par", origin); got.StatusCode != 204 {
			t.Errorf("%s once registered: %d", origin, got.StatusCode)
		}
	}
	if got := s.preflightOf("/r/llm/openai/v1/models", page); got.StatusCode != 403 {
		t.Errorf("before anything is granted: %d", got.StatusCode)
	}
	if got := s.send("OPTIONS", "/oauth/par", "", "Origin", page); got.StatusCode != http.StatusForbidden {
		t.Errorf("OPTIONS that is no preflight: %d", got.StatusCode)
	}
}
