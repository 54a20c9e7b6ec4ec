package server

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

const (
	testVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testCallback = "https://notes.example/cb"
)

// browse is a visit to a page, without following where it leads.
func (s *oauthServer) browse(method, path string, form url.Values, cookie *http.Cookie) (status int, to, page string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Accept", "text/html")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(body)
}

// webApp registers an app that is answered at testCallback.
func (s *oauthServer) webApp(o pairing.StringOptions) (id string) {
	s.t.Helper()
	registered := s.send("POST", "/oauth/register", `{"client_name":"Notes","redirect_uris":["`+testCallback+`"]}`,
		"Content-Type", "application/json", "Authorization", "Bearer "+s.code(o))
	if registered.StatusCode != 201 || joined(registered.members["response_types"]) != "code" || joined(registered.members["redirect_uris"]) != testCallback {
		s.t.Fatalf("registering: %d %s", registered.StatusCode, registered.raw)
	}
	return registered.text("client_id")
}

// push sends an authorization request and returns where its browser goes.
func (s *oauthServer) push(id string) string {
	s.t.Helper()
	sum := sha256.Sum256([]byte(testVerifier))
	pushed := s.form("/oauth/par", url.Values{
		"client_id": {id}, "response_type": {"code"}, "redirect_uri": {testCallback}, "state": {"s1"}, "scope": {"llm:openai"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, "DPoP", s.proof(dpop.Claims{URL: "/oauth/par"}))
	if pushed.StatusCode != 201 || pushed.members["expires_in"] != 60.0 || pushed.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("pushing: %d %s", pushed.StatusCode, pushed.raw)
	}
	return "/oauth/authorize?" + url.Values{"client_id": {id}, "request_uri": {pushed.text("request_uri")}}.Encode()
}

func (s *oauthServer) exchange(id, redirect string) reply {
	s.t.Helper()
	back, err := url.Parse(redirect)
	if err != nil || back.Query().Get("state") != "s1" || back.Query().Get("iss") != s.URL() {
		s.t.Fatalf("sent back to %s", redirect)
	}
	return s.form("/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {id}, "code": {back.Query().Get("code")},
		"redirect_uri": {testCallback}, "code_verifier": {testVerifier},
	}, "DPoP", s.proof(dpop.Claims{URL: "/oauth/token"}))
}

// TestCodeFlowOverHTTP takes an owner who is not signed in from the app's link
// through sign-in and consent back to the app.
func TestCodeFlowOverHTTP(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	if err := s.rooms.vault.Init([]byte(testPassphrase)); err != nil {
		t.Fatal(err)
	}
	id := s.webApp(pairing.StringOptions{})
	link := s.push(id)
	status, consent, _ := s.browse("GET", link, nil, nil)
	if status != 303 || !strings.HasPrefix(consent, "/requests/") {
		t.Fatalf("the app's link leads to %d %s", status, consent)
	}
	if status, to, _ := s.browse("GET", consent, nil, nil); status != 303 || to != "/sign-in?next="+url.QueryEscape(consent) {
		t.Errorf("a stranger gets %d %s", status, to)
	}
	if status, to, _ := s.browse("POST", consent+"/approve", url.Values{"until": {"1d"}, "models-0": {""}, "amount-0": {"uncapped"}}, nil); status != 303 || to != "/sign-in" {
		t.Errorf("a stranger's approval: %d %s", status, to)
	}
	session, err := s.rooms.owner.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	cookie := s.rooms.owner.Cookie(session)
	if status, _, page := s.browse("GET", consent, nil, cookie); status != 200 || !strings.Contains(page, "notes.example") {
		t.Errorf("consent page: %d", status)
	}
	status, back, _ := s.browse("POST", consent+"/approve", url.Values{"until": {"1d"}, "models-0": {""}, "amount-0": {"uncapped"}}, cookie)
	if status != 303 || !strings.HasPrefix(back, testCallback+"?") {
		t.Fatalf("approved: %d %s", status, back)
	}
	tokens := s.exchange(id, back)
	if tokens.StatusCode != 200 || tokens.text("scope") != "llm:openai" {
		t.Errorf("exchanging: %d %s", tokens.StatusCode, tokens.raw)
	}
	expect(t, s.exchange(id, back), 400, "invalid_grant")

	_, consent, _ = s.browse("GET", s.push(id), nil, nil)
	status, back, _ = s.browse("POST", consent+"/deny", nil, cookie)
	if status != 303 || !strings.HasPrefix(back, testCallback+"?error=access_denied&") {
		t.Errorf("denied: %d %s", status, back)
	}
}

func TestCodeFlowWithPreset(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	id := s.webApp(pairing.StringOptions{Approve: true, Preset: []policy.Document{{Resource: "llm:openai"}}})
	status, back, _ := s.browse("GET", s.push(id), nil, nil)
	if status != 303 || !strings.HasPrefix(back, testCallback+"?") {
		t.Fatalf("sent to %d %s", status, back)
	}
	if tokens := s.exchange(id, back); tokens.StatusCode != 200 {
		t.Errorf("exchanging: %d %s", tokens.StatusCode, tokens.raw)
	}
}

// TestBadLinksLeadNowhere shows that a browser is redirected only with what
// has been pushed.
func TestBadLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	id := s.webApp(pairing.StringOptions{})
	link := s.push(id)
	for _, path := range []string{
		"/oauth/authorize",
		"/oauth/authorize?client_id=" + id + "&response_type=code&redirect_uri=" + url.QueryEscape(testCallback),
		"/oauth/authorize?client_id=" + id + "&request_uri=" + url.QueryEscape("https://elsewhere.example/request"),
		link + "&client_id=other", link + "&request_uri=urn:x", strings.Replace(link, "client_id=app", "client_id=other", 1),
	} {
		if status, to, page := s.browse("GET", path, nil, nil); status != 400 || to != "" || !strings.Contains(page, "not good any more") {
			t.Errorf("%s: %d %s", path, status, to)
		}
	}
}
