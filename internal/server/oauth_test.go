package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/all"
)

// oauthServer is a listening gateway and a client that knows OAuth by hand.
type oauthServer struct {
	*Server
	t      *testing.T
	key    *dpop.Key
	signAt func() time.Time // default time.Now
}

func newOAuthServer(t *testing.T) *oauthServer {
	t.Helper()
	return newOAuthServerWith(t, func(*Config) {})
}

func newOAuthServerWith(t *testing.T, set func(*Config)) *oauthServer {
	t.Helper()
	providers, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider}
	set(&cfg)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	key, err := dpop.GenerateKey(dpop.ES256, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &oauthServer{Server: s, t: t, key: key, signAt: time.Now}
}

// reply is an answer with its JSON members.
type reply struct {
	*http.Response
	raw     string
	members map[string]any
}

func (r reply) text(name string) string { s, _ := r.members[name].(string); return s }

func (s *oauthServer) send(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := reply{Response: answer, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got.members); err != nil {
			s.t.Fatalf("%s %s answered %d with %q, not a JSON object", method, path, answer.StatusCode, raw)
		}
	}
	return got
}

const formType = "application/x-www-form-urlencoded"

func (s *oauthServer) form(path string, values url.Values, headers ...string) reply {
	s.t.Helper()
	return s.send("POST", path, values.Encode(), append([]string{"Content-Type", formType}, headers...)...)
}

func (s *oauthServer) proof(c dpop.Claims) string {
	s.t.Helper()
	c.Method, c.URL = "POST", s.URL()+c.URL
	proof, err := s.key.Sign(c, s.signAt())
	if err != nil {
		s.t.Fatal(err)
	}
	return proof
}

func (s *oauthServer) code(o pairing.StringOptions) string {
	s.t.Helper()
	made, err := s.rooms.pairing.CreateString(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Value[strings.LastIndex(made.Value, "::")+2:]
}

// resources are the ids of the providers that ship.
func (s *oauthServer) resources() string {
	s.t.Helper()
	providers, err := all.Providers()
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, p := range providers {
		ids = append(ids, p.Manifest().ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestDiscoveryDocuments(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	as := s.send("GET", "/.well-known/oauth-authorization-server", "")
	if oidc := s.send("GET", "/.well-known/openid-configuration", ""); oidc.raw != as.raw {
		t.Error("openid-configuration is another document")
	}
	for name, want := range map[string]string{
		"issuer":                                s.URL(),
		"grant_types_supported":                 "authorization_code urn:ietf:params:oauth:grant-type:device_code refresh_token",
		"code_challenge_methods_supported":      "S256",
		"token_endpoint_auth_methods_supported": "none",
		"dpop_signing_alg_values_supported":     "ES256 EdDSA Ed25519 PS256",
		"authorization_details_types_supported": "keywicket",
		"scopes_supported":                      s.resources(),
		"response_types_supported":              "code",
		"response_modes_supported":              "query",
	} {
		if got := joined(as.members[name]); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"require_pushed_authorization_requests", "authorization_response_iss_parameter_supported"} {
		if as.members[name] != true {
			t.Errorf("%s is %v", name, as.members[name])
		}
	}
	// Every endpoint that is announced exists.
	for name, method := range map[string]string{
		"registration_endpoint": "POST", "device_authorization_endpoint": "POST", "token_endpoint": "POST",
		"revocation_endpoint": "POST", "jwks_uri": "GET", "pushed_authorization_request_endpoint": "POST",
	} {
		path, ours := strings.CutPrefix(as.text(name), s.URL())
		if answer := s.send(method, path, ""); !ours || answer.StatusCode == 404 || answer.StatusCode == 405 {
			t.Errorf("%s is %s: %d", name, as.text(name), answer.StatusCode)
		}
	}
	rs := s.send("GET", "/.well-known/oauth-protected-resource", "")
	if rs.text("resource") != s.URL() || joined(rs.members["authorization_servers"]) != s.URL() || rs.members["dpop_bound_access_tokens_required"] != true {
		t.Errorf("resource metadata is %s", rs.raw)
	}
	if keys := s.send("GET", "/oauth/jwks", ""); !strings.Contains(keys.raw, `"kty":"OKP"`) || strings.Contains(keys.raw, `"d":`) {
		t.Errorf("key set is %s", keys.raw)
	}
}

func joined(member any) string {
	list, ok := member.([]any)
	if !ok {
		return member.(string)
	}
	var words []string
	for _, word := range list {
		words = append(words, word.(string))
	}
	return strings.Join(words, " ")
}

// TestOAuthOverHTTP walks from code to revocation with proofs that are bound to
// the body, as the project's own client sends them.
func TestOAuthOverHTTP(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	code := s.code(pairing.StringOptions{Approve: true, Preset: []policy.Document{{Resource: "llm:openai"}}})
	const metadata = `{"client_name":"Notes","redirect_uris":["https://x.example/cb"],"unknown":{}}`
	bound := func(path, body, token string) string {
		return s.proof(dpop.Claims{URL: path, AccessToken: token, BodyHash: dpop.BodyHash(sha256.Sum256([]byte(body)))})
	}
	send := func(path, kind, body, signed string, headers ...string) reply {
		token := ""
		if len(headers) > 0 {
			token = strings.TrimPrefix(headers[1], "DPoP ")
		}
		return s.send("POST", path, body, append(headers, "Content-Type", kind, "DPoP", bound(path, signed, token))...)
	}
	altered := send("/oauth/register", "application/json", metadata, `{}`, "Authorization", "DPoP "+code)
	expect(t, altered, 401, "invalid_dpop_proof")

	registered := send("/oauth/register", "application/json; charset=utf-8", metadata, metadata, "Authorization", "DPoP "+code)
	if registered.StatusCode != 201 || registered.text("client_name") != "Notes" {
		t.Fatalf("registering: %d %s", registered.StatusCode, registered.raw)
	}
	want := []string{"client_id", "client_id_issued_at", "client_name", "dpop_bound_access_tokens", "grant_types", "redirect_uris", "response_types", "token_endpoint_auth_method"}
	if got := slices.Sorted(maps.Keys(registered.members)); !slices.Equal(got, want) {
		t.Errorf("registered %v, want only what is kept: %v", got, want)
	}
	id := registered.text("client_id")
	expect(t, send("/oauth/register", "application/json", metadata, metadata, "Authorization", "DPoP "+code), 401, "invalid_token")

	ask := url.Values{"client_id": {id}, "scope": {"llm:openai"}, "resource": {s.URL(), s.URL() + "/r/"}}.Encode()
	asked := send("/oauth/device", formType, ask, ask)
	poll := url.Values{"grant_type": {pairing.GrantDeviceCode}, "client_id": {id}, "device_code": {asked.text("device_code")}}.Encode()
	expect(t, send("/oauth/token", formType, poll, "something else"), 400, "invalid_dpop_proof")
	tokens := send("/oauth/token", formType, poll, poll)
	if tokens.StatusCode != 200 || tokens.text("token_type") != "DPoP" || tokens.text("scope") != "llm:openai" {
		t.Fatalf("token: %d %s", tokens.StatusCode, tokens.raw)
	}
	renewal := url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {tokens.text("refresh_token")}}
	if renewed := send("/oauth/token", formType, renewal.Encode(), renewal.Encode()); renewed.StatusCode != 200 {
		t.Errorf("renewing: %d %s", renewed.StatusCode, renewed.raw)
	}
	expect(t, s.form("/oauth/token", renewal), 400, "invalid_request") // no proof
	revoked := s.form("/oauth/revoke", url.Values{"client_id": {id}, "token": {tokens.text("refresh_token")}, "token_type_hint": {"refresh_token"}})
	if revoked.StatusCode != 200 || revoked.raw != "" || revoked.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("revoking: %d %s", revoked.StatusCode, revoked.raw)
	}
	expect(t, send("/oauth/token", formType, renewal.Encode(), renewal.Encode()), 400, "invalid_grant")
}

func TestOAuthRequestsAreReadStrictly(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	code := s.code(pairing.StringOptions{})
	registered := s.send("POST", "/oauth/register", `{}`, "Content-Type", "application/json", "Authorization", "Bearer "+code)
	id := registered.text("client_id")
	good := url.Values{"client_id": {id}, "scope": {"llm:openai"}}.Encode()
	const device = "/oauth/device"
	for _, row := range []struct {
		name, path, body string
		headers          []string
		status           int
		code             string
	}{
		{"no content type", device, good, nil, 415, "invalid_request"},
		{"JSON for a form", device, `{}`, []string{"Content-Type", "application/json"}, 415, "invalid_request"},
		{"form for JSON", "/oauth/register", good, []string{"Content-Type", formType}, 415, "invalid_request"},
		{"other charset", device, good, []string{"Content-Type", formType + ";charset=utf-16"}, 415, "invalid_request"},
		{"compressed", device, good, []string{"Content-Type", formType, "Content-Encoding", "gzip"}, 415, "invalid_request"},
		{"too large", device, good + "&x=" + strings.Repeat("x", 64<<10), []string{"Content-Type", formType}, 413, "invalid_request"},
		{"too large JSON", "/oauth/register", `{"x":"` + strings.Repeat("x", 64<<10) + `"}`, []string{"Content-Type", "application/json"}, 413, "invalid_request"},
		{"too many", device, good + many(64), []string{"Content-Type", formType}, 400, "invalid_request"},
		{"twice", device, good + "&client_id=" + id, []string{"Content-Type", formType}, 400, "invalid_request"},
		{"unknown one twice", device, good + "&x=1&x=1", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"semicolons", device, "client_id=" + id + ";scope=llm:openai", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"bad escape", device, good + "&x=%zz", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"bad UTF-8", device, good + "&x=%ff", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"in the URL", device + "?" + good, "", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"Basic", device, good, []string{"Content-Type", formType, "Authorization", "Basic eDp5"}, 401, "invalid_client"},
		{"secret", device, good + "&client_secret=x", []string{"Content-Type", formType}, 400, "invalid_client"},
		{"assertion", device, good + "&client_assertion=x", []string{"Content-Type", formType}, 400, "invalid_client"},
		{"no code", "/oauth/register", `{}`, []string{"Content-Type", "application/json"}, 401, "invalid_token"},
		{"empty values are absent", device, "client_id=&scope=llm:openai", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"no grant type", "/oauth/token", good, []string{"Content-Type", formType}, 400, "invalid_request"},
		{"other client", "/oauth/revoke", "client_id=x&token=y", []string{"Content-Type", formType}, 400, "invalid_client"},
		{"good", device, good + "&x=1&client_secret=", []string{"Content-Type", formType + "; charset=UTF-8"}, 200, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer := s.send("POST", row.path, row.body, row.headers...)
			expect(t, answer, row.status, row.code)
			if challenged := answer.Header.Get("WWW-Authenticate") != ""; challenged != (row.status == 401) {
				t.Errorf("WWW-Authenticate is %q on %d", answer.Header.Get("WWW-Authenticate"), answer.StatusCode)
			}
		})
	}
}

// many is n different parameters.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + string(rune('A'+i%26)) + string(rune('A'+i/26)) + "=1")
	}
	return b.String()
}

func TestFrozenAnswersSayWhenToComeBack(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	code := s.code(pairing.StringOptions{})
	if err := s.rooms.pairing.Freeze(); err != nil {
		t.Fatal(err)
	}
	answer := s.send("POST", "/oauth/register", `{}`, "Content-Type", "application/json", "Authorization", "Bearer "+code)
	expect(t, answer, 503, "temporarily_unavailable")
	if answer.Header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After is %q", answer.Header.Get("Retry-After"))
	}
}

func expect(t *testing.T, answer reply, status int, code string) {
	t.Helper()
	if answer.StatusCode != status || answer.text("error") != code {
		t.Errorf("got %d %s, want %d %s", answer.StatusCode, answer.raw, status, code)
	}
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("answered as %q with Cache-Control %q", answer.Header.Get("Content-Type"), answer.Header.Get("Cache-Control"))
	}
}
