package client_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// gateway is the other side of the protocol, small and honest: real proofs, one-time codes, tokens that expire.
type gateway struct {
	issuer   string
	server   *httptest.Server // nil when it is reached without a network
	verifier *dpop.Verifier
	close    func()
	dir      string // of the replay memory

	mu       sync.Mutex
	codes    map[string]bool       // code -> still open
	apps     map[string]string     // client id -> thumbprint
	asks     map[string]*ask       // device code ->
	pushed   map[string]url.Values // request_uri, and then code ->
	sessions map[string]*session   // refresh token ->
	tokens   map[string]*testToken // access token ->

	// What the test chooses.
	decide    func(*ask) string                                        // "" approves; or an error code of the token endpoint
	tokenLife time.Duration                                            // default 5 min
	grant     func(asked json.RawMessage) json.RawMessage              // default as asked
	upstream  func(http.ResponseWriter, *http.Request, []byte)         // what answers under /r/
	intercept func(w http.ResponseWriter, r *http.Request) (done bool) // before anything else
	metadata  func(map[string]any)
	nonce     string // required of proofs when set
	clock     func() time.Time

	// What the test looks at.
	polls, renewals, passed, refused int
	lastPoll                         time.Time
	pauses                           []time.Duration // between polls
}

type ask struct {
	client, thumbprint, userCode string
	details                      json.RawMessage
	polls                        int
}

type session struct {
	client, thumbprint string
	details            json.RawMessage
}

type testToken struct {
	session *session
	expires time.Time
}

func newGateway(t testing.TB) *gateway {
	t.Helper()
	g := newQuietGateway(t)
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	g.issuer = g.server.URL
	return g
}

// newQuietGateway is a gateway without a network, for tests that own the time; see quietClient.
func newQuietGateway(t testing.TB) *gateway {
	t.Helper()
	g, err := buildGateway(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.close() })
	return g
}

func buildGateway(dir string) (*gateway, error) {
	g := &gateway{
		issuer: "https://keys.example", codes: map[string]bool{}, apps: map[string]string{}, asks: map[string]*ask{}, pushed: map[string]url.Values{},
		sessions: map[string]*session{}, tokens: map[string]*testToken{}, tokenLife: 5 * time.Minute, clock: time.Now,
	}
	g.upstream = func(w http.ResponseWriter, _ *http.Request, body []byte) { _, _ = w.Write(body) }
	return g, g.start(dir)
}

// start opens the replay memory, as each start of the process does.
func (g *gateway) start(dir string) error {
	now := func() time.Time { return g.clock() }
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: dir, Clock: now})
	if err != nil {
		return err
	}
	g.close, g.dir = func() { _ = replay.Close() }, dir
	g.verifier, err = dpop.NewVerifier(dpop.VerifierConfig{Replay: replay, Clock: now})
	return err
}

// quietClient reaches the gateway by calling it.
func (g *gateway) quietClient() *http.Client { return &http.Client{Transport: directly{g}} }

type directly struct{ g *gateway }

func (d directly) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme+"://"+request.URL.Host != d.g.issuer {
		return nil, fmt.Errorf("no such host: %s", request.URL.Host)
	}
	received := request.Clone(request.Context())
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	d.g.ServeHTTP(recorder, received)
	return recorder.Result(), nil
}

// newString makes a pairing string.
func (g *gateway) newString() string {
	var code [32]byte
	_, _ = rand.Read(code[:])
	text := base64.RawURLEncoding.EncodeToString(code[:])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.codes[text] = true
	return "pair::" + g.issuer + "::" + text
}

func (g *gateway) count(n *int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *n
}

// expireTokens makes every access token invalid, as a restart with a new host key would.
func (g *gateway) expireTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.tokens)
}

// endSessions is the owner revoking.
func (g *gateway) endSessions() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.tokens)
	clear(g.sessions)
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.intercept != nil && g.intercept(w, r) {
		return
	}
	if w.Header()["Date"] == nil {
		w.Header().Set("Date", g.clock().UTC().Format(http.TimeFormat))
	}
	w.Header().Set("X-Request-Id", "req_"+strings.ToLower(rand.Text()))
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	switch {
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		g.serveMetadata(w)
	case r.URL.Path == "/oauth/authorize":
		g.authorize(w, r)
	case r.Method != http.MethodPost && !strings.HasPrefix(r.URL.Path, "/r/"):
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.URL.Path == "/oauth/register":
		g.register(w, r, body)
	case r.URL.Path == "/oauth/device":
		g.ask(w, r, body)
	case r.URL.Path == "/oauth/par":
		g.push(w, r, body)
	case r.URL.Path == "/oauth/token":
		g.token(w, r, body)
	case r.URL.Path == "/oauth/revoke":
		g.revoke(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/r/"):
		ok := g.authenticate(w, r, body)
		g.mu.Unlock()
		if ok {
			g.upstream(w, r, body)
		}
		return
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	g.mu.Unlock()
}

func (g *gateway) serveMetadata(w http.ResponseWriter) {
	document := map[string]any{
		"issuer": g.issuer, "registration_endpoint": g.issuer + "/oauth/register",
		"device_authorization_endpoint": g.issuer + "/oauth/device", "token_endpoint": g.issuer + "/oauth/token",
		"revocation_endpoint":                   g.issuer + "/oauth/revoke",
		"authorization_endpoint":                g.issuer + "/oauth/authorize",
		"pushed_authorization_request_endpoint": g.issuer + "/oauth/par",
		"dpop_signing_alg_values_supported":     strings.Fields(dpop.Algorithms),
	}
	if g.metadata != nil {
		g.metadata(document)
	}
	answer(w, http.StatusOK, document)
}

// verify checks a proof; on refusal it has answered.
func (g *gateway) verify(w http.ResponseWriter, r *http.Request, body []byte, token, thumbprint string) (dpop.Proof, bool) {
	proof, err := g.verifier.Verify(dpop.Request{
		Headers: r.Header.Values("DPoP"), Method: r.Method, URL: g.issuer + r.URL.EscapedPath(), AccessToken: token,
		Thumbprint: thumbprint, BodySum: func() ([32]byte, error) { return sha256.Sum256(body), nil },
	})
	code := ""
	switch {
	case err != nil:
		code = "invalid_dpop_proof"
	case proof.BodyHash == "":
		code = "invalid_dpop_proof" // this client always sends bh
	case proof.Nonce != g.nonce && g.nonce != "":
		code = "use_dpop_nonce"
	}
	if g.nonce != "" {
		w.Header().Set("DPoP-Nonce", g.nonce)
	}
	if code == "" {
		return proof, true
	}
	status := http.StatusBadRequest
	if token != "" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `DPoP error="`+code+`", algs="`+dpop.Algorithms+`"`)
	}
	g.refused++
	answer(w, status, map[string]any{"error": code, "error_description": fmt.Sprint(err)})
	return proof, false
}

func (g *gateway) register(w http.ResponseWriter, r *http.Request, body []byte) {
	code, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	if !ok || !g.codes[code] {
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token"`)
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	proof, ok := g.verify(w, r, body, code, "")
	if !ok {
		return
	}
	var metadata struct {
		Name  string `json:"client_name"`
		Bound bool   `json:"dpop_bound_access_tokens"`
	}
	if json.Unmarshal(body, &metadata) != nil || metadata.Name == "" || !metadata.Bound {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	g.codes[code] = false
	id := "app_" + strings.ToLower(rand.Text())
	g.apps[id] = proof.Thumbprint
	answer(w, http.StatusCreated, map[string]any{"client_id": id})
}

func (g *gateway) ask(w http.ResponseWriter, r *http.Request, body []byte) {
	form := parseForm(r, body)
	id := form.Get("client_id")
	if g.apps[id] == "" || g.apps[id] != form.Get("dpop_jkt") {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_client"})
		return
	}
	if _, ok := g.verify(w, r, body, "", g.apps[id]); !ok {
		return
	}
	device, user := rand.Text(), "BCDF-GHJK"
	details := json.RawMessage(form.Get("authorization_details"))
	if len(details) == 0 {
		details = json.RawMessage(`[{"type":"keywicket","identifier":"llm:openai"}]`)
	}
	g.asks[device] = &ask{client: id, thumbprint: g.apps[id], userCode: user, details: details}
	g.lastPoll = time.Time{}
	answer(w, http.StatusOK, map[string]any{
		"device_code": device, "user_code": user, "verification_uri": g.issuer + "/device",
		"verification_uri_complete": g.issuer + "/device?user_code=" + user, "expires_in": 600, "interval": 5,
	})
}

// push keeps an authorization request (RFC 9126).
func (g *gateway) push(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	id := form.Get("client_id")
	if err != nil || g.apps[id] == "" || g.apps[id] != form.Get("dpop_jkt") || form.Get("code_challenge_method") != "S256" || len(form.Get("code_challenge")) != 43 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
		return
	}
	if _, ok := g.verify(w, r, body, "", g.apps[id]); !ok {
		return
	}
	name := "urn:ietf:params:oauth:request_uri:" + rand.Text()
	g.pushed[name] = form
	answer(w, http.StatusCreated, map[string]any{"request_uri": name, "expires_in": 60})
}

// authorize is the owner deciding at once.
func (g *gateway) authorize(w http.ResponseWriter, r *http.Request) {
	form := g.pushed[r.URL.Query().Get("request_uri")]
	if form == nil || form.Get("client_id") != r.URL.Query().Get("client_id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {form.Get("state")}, "iss": {g.issuer}}
	code := ""
	if g.decide != nil {
		code = g.decide(nil)
	}
	if code != "" {
		back.Set("error", code)
	} else {
		back.Set("code", rand.Text())
		g.pushed[back.Get("code")] = form
	}
	http.Redirect(w, r, form.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (g *gateway) redeemCode(w http.ResponseWriter, asked formValues) {
	form := g.pushed[asked.Get("code")]
	sum := sha256.Sum256([]byte(asked.Get("code_verifier")))
	if form == nil || form.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || form.Get("redirect_uri") != asked.Get("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	delete(g.pushed, asked.Get("code"))
	id := form.Get("client_id")
	g.begin(w, &ask{client: id, thumbprint: g.apps[id], details: json.RawMessage(form.Get("authorization_details"))})
}

func (g *gateway) token(w http.ResponseWriter, r *http.Request, body []byte) {
	form := parseForm(r, body)
	thumbprint := g.apps[form.Get("client_id")]
	if thumbprint == "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_client"})
		return
	}
	if _, ok := g.verify(w, r, body, "", thumbprint); !ok {
		return
	}
	switch form.Get("grant_type") {
	case "refresh_token":
		g.renewals++
		s := g.sessions[form.Get("refresh_token")]
		if s == nil {
			answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
		g.issue(w, s, form.Get("refresh_token"))
	case "urn:ietf:params:oauth:grant-type:device_code":
		g.poll(w, form.Get("device_code"))
	case "authorization_code":
		g.redeemCode(w, form)
	default:
		answer(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
	}
}

func (g *gateway) poll(w http.ResponseWriter, device string) {
	a := g.asks[device]
	if a == nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	g.polls++
	a.polls++
	if now := g.clock(); !g.lastPoll.IsZero() {
		g.pauses = append(g.pauses, now.Sub(g.lastPoll))
	}
	g.lastPoll = g.clock()
	if g.decide != nil {
		if code := g.decide(a); code != "" {
			answer(w, http.StatusBadRequest, map[string]any{"error": code})
			return
		}
	}
	delete(g.asks, device)
	g.begin(w, a)
}

// begin is a session of what was asked, or less.
func (g *gateway) begin(w http.ResponseWriter, a *ask) {
	details := a.details
	if len(details) == 0 {
		details = json.RawMessage(`[{"type":"keywicket","identifier":"llm:openai"}]`)
	}
	if g.grant != nil {
		details = g.grant(details)
	}
	refresh := rand.Text()
	g.sessions[refresh] = &session{client: a.client, thumbprint: a.thumbprint, details: details}
	g.issue(w, g.sessions[refresh], refresh)
}

func (g *gateway) issue(w http.ResponseWriter, s *session, refresh string) {
	access := rand.Text()
	g.tokens[access] = &testToken{session: s, expires: g.clock().Add(g.tokenLife)}
	answer(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "DPoP", "expires_in": int64(g.tokenLife / time.Second),
		"refresh_token": refresh, "scope": "llm:openai", "authorization_details": s.details,
	})
}

func (g *gateway) revoke(w http.ResponseWriter, r *http.Request, body []byte) {
	delete(g.sessions, parseForm(r, body).Get("token"))
	w.WriteHeader(http.StatusOK)
}

// authenticate is what the gateway does under /r/ before the provider hears of a request.
func (g *gateway) authenticate(w http.ResponseWriter, r *http.Request, body []byte) bool {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	token := g.tokens[value]
	if !ok || len(r.Header.Values("Authorization")) != 1 || token == nil || !g.clock().Before(token.expires) {
		g.refused++
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token", algs="`+dpop.Algorithms+`"`)
		answer(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"code": "invalid_token", "message": "no"}})
		return false
	}
	if _, ok := g.verify(w, r, body, value, token.session.thumbprint); !ok {
		return false
	}
	g.passed++
	return true
}

func parseForm(r *http.Request, body []byte) formValues {
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	_ = r.ParseForm()
	return formValues{r}
}

type formValues struct{ r *http.Request }

func (f formValues) Get(name string) string { return f.r.PostForm.Get(name) }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// paired is a connection that has been approved at once.
func paired(t testing.TB, g *gateway, change ...func(*client.App)) *client.Connection {
	t.Helper()
	app := client.App{Name: "Notes", Ask: []client.Permission{{Resource: "llm:openai"}}}
	if g.server == nil {
		app.HTTPClient = g.quietClient()
	}
	for _, change := range change {
		change(&app)
	}
	connection, err := client.Pair(t.Context(), g.newString(), app)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}

// post sends a body under the connection's base URL.
func post(t testing.TB, c *client.Connection, body string) (*http.Response, string) {
	t.Helper()
	response, err := c.HTTPClient().Post(c.BaseURL("llm:openai")+"/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(data)
}
