package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// plainApp is an app that speaks the protocol by hand, request by request, so
// that tests can get each of them wrong.
type plainApp struct {
	// issuer is the gateway's public URL, and at where it listens: they differ
	// behind a reverse proxy.
	issuer, at string
	key        appKey
	now        func() time.Time

	id, access, refresh string
}

// pairPlain pairs an app that may do what document says.
func pairPlain(t testing.TB, g *gateway, at string, key appKey, now func() time.Time, document string) *plainApp {
	t.Helper()
	a := &plainApp{issuer: g.URL, at: at, key: key, now: now}
	a.pair(t, g.pairingString(t, document))
	return a
}

// pair redeems a string that is approved on redemption.
func (a *plainApp) pair(t testing.TB, pairingString string) {
	t.Helper()
	answer := a.post(t, "/oauth/register", `{"client_name":"Notes"}`, http.Header{
		"Authorization": {"Bearer " + pairingCode(pairingString)}, "Content-Type": {"application/json"},
	})
	a.id = answer.text(t, 201, "client_id")
	answer = a.form(t, "/oauth/device", "", url.Values{"dpop_jkt": {a.key.thumbprint}})
	device := answer.text(t, 200, "device_code")
	answer = a.form(t, "/oauth/token", a.tokenProof(a.key).compact(t), url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device},
	})
	a.access, a.refresh = answer.text(t, 200, "access_token"), answer.text(t, 200, "refresh_token")
}

// pairingCode is the one-time code in a pairing string.
func pairingCode(pairingString string) string {
	_, code, _ := strings.Cut(strings.TrimPrefix(pairingString, "pair::"), "::")
	return code
}

// tokenProof begins a good proof for the token endpoint.
func (a *plainApp) tokenProof(key appKey) *forgery {
	return forge(key, http.MethodPost, a.issuer+"/oauth/token", "", a.now())
}

// renewal sends a refresh request with that proof; an empty one is left out.
func (a *plainApp) renewal(t testing.TB, proof string) plainAnswer {
	t.Helper()
	return a.form(t, "/oauth/token", proof, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}})
}

// modelsPath is the cheapest request at the data plane.
const modelsPath = "/r/llm/openai/v1/models"

// proof begins a good proof for GET modelsPath.
func (a *plainApp) proof() *forgery {
	return forge(a.key, http.MethodGet, a.issuer+modelsPath, a.access, a.now())
}

// models sends GET modelsPath with that proof.
func (a *plainApp) models(t testing.TB, proof string) plainAnswer {
	t.Helper()
	return a.send(t, a.request(t, http.MethodGet, modelsPath, "", http.Header{
		"Authorization": {"DPoP " + a.access}, "DPoP": {proof},
	}))
}

func (a *plainApp) form(t testing.TB, path, proof string, form url.Values) plainAnswer {
	t.Helper()
	if a.id != "" && !form.Has("client_id") {
		form.Set("client_id", a.id)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if proof != "" {
		header["DPoP"] = []string{proof}
	}
	return a.post(t, path, form.Encode(), header)
}

func (a *plainApp) post(t testing.TB, path, body string, header http.Header) plainAnswer {
	t.Helper()
	return a.send(t, a.request(t, http.MethodPost, path, body, header))
}

// request makes a request as a reverse proxy would pass it on. Header names go
// out as they are given.
func (a *plainApp) request(t testing.TB, method, path, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.at+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(strings.TrimPrefix(a.issuer, "https://"), "http://")
	r.Header = header
	return r
}

// plainAnswer is an answer, read whole.
type plainAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (a *plainApp) send(t testing.TB, r *http.Request) plainAnswer {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return plainAnswer{status: answer.StatusCode, header: answer.Header, body: body}
}

// text is a member of an answer that must have that status.
func (a plainAnswer) text(t testing.TB, status int, member string) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != status {
		t.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
	value, ok := body[member].(string)
	if !ok {
		t.Fatalf("no %s in %s", member, a.body)
	}
	return value
}

// code is the error code of an answer, in the shape of OAuth or of OpenAI.
func (a plainAnswer) code() string {
	var oauth struct{ Error string }
	var openai struct{ Error struct{ Code string } }
	_ = json.Unmarshal(a.body, &oauth) // one of the two fails
	_ = json.Unmarshal(a.body, &openai)
	return oauth.Error + openai.Error.Code
}
