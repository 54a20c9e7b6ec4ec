package e2e_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

func endless() openaifake.Fault {
	return openaifake.Fault{Endless: true, WordDelay: 5 * time.Millisecond}
}

// captured is one request as the client package would send it, caught before
// it leaves.
type captured struct{ token, proof string }

// capture signs a request without sending it.
func capture(t *testing.T, c *client.Connection, url string) captured {
	t.Helper()
	var got captured
	caught := &client.Transport{Connection: c, Base: roundTrip(func(r *http.Request) (*http.Response, error) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
		got = captured{token: token, proof: r.Header.Get("DPoP")}
		return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody, Request: r}, nil
	})}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, chatBody("gpt-4o"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if _, err := caught.RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if got.token == "" || got.proof == "" {
		t.Fatal("nothing was captured")
	}
	return got
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRefusals sends what a thief or a careless app would, and looks at the
// answer and at what reached the provider: nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	g := start(t)
	c := g.pair(t, `{"resource":"llm:openai","models":["gpt-4o*"]}`)
	chat := g.URL + "/r/llm/openai/v1/chat/completions"
	models := g.URL + "/r/llm/openai/v1/models"
	rows := []struct {
		name   string
		send   func(t *testing.T, r *http.Request)
		url    string
		model  string
		status int
		code   string
	}{
		{"body other than the one signed", as(c, chat, "DPoP"), chat, "o3-pro", 401, "invalid_dpop_proof"},
		{"proof for another URL", as(c, models, "DPoP"), chat, "gpt-4o", 401, "invalid_dpop_proof"},
		{"token as Bearer", as(c, chat, "Bearer"), chat, "gpt-4o", 401, "invalid_token"},
		{"token without proof", func(t *testing.T, r *http.Request) {
			r.Header.Set("Authorization", "DPoP "+capture(t, c, chat).token)
		}, chat, "gpt-4o", 401, "invalid_dpop_proof"},
		{"token with a thief's own proof", func(t *testing.T, r *http.Request) {
			token := capture(t, c, chat).token
			r.Header.Set("Authorization", "DPoP "+token)
			r.Header.Set("DPoP", signedByAnother(t, token, chat))
		}, chat, "gpt-4o", 401, "invalid_token"},
		{"no credentials", func(*testing.T, *http.Request) {}, chat, "gpt-4o", 401, "invalid_token"},
		{"unknown resource", as(c, g.URL+"/r/llm/nobody/v1/models", "DPoP"), g.URL + "/r/llm/nobody/v1/models", "gpt-4o", 404, "unknown_resource"},
		{"endpoint not offered", as(c, g.URL+"/r/llm/openai/v1/files", "DPoP"), g.URL + "/r/llm/openai/v1/files", "gpt-4o", 404, "unsupported_endpoint"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, row.url, chatBody(row.model))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			row.send(t, r)
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, code := readAnswer(t, answer)
			if answer.StatusCode != row.status || code != row.code {
				t.Errorf("got %d %s, want %d %s: %s", answer.StatusCode, code, row.status, row.code, body)
			}
			if challenge := answer.Header.Get("WWW-Authenticate"); (answer.StatusCode == 401) != strings.HasPrefix(challenge, "DPoP") {
				t.Errorf("WWW-Authenticate: %q on %d", challenge, answer.StatusCode)
			}
			if answer.Header.Get("X-Request-Id") == "" {
				t.Error("no X-Request-Id")
			}
		})
	}
	if n := g.Fake.Count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

// as sends what was captured for signedURL under the given scheme.
func as(c *client.Connection, signedURL, scheme string) func(*testing.T, *http.Request) {
	return func(t *testing.T, r *http.Request) {
		got := capture(t, c, signedURL)
		r.Header.Set("Authorization", scheme+" "+got.token)
		r.Header.Set("DPoP", got.proof)
	}
}

func signedByAnother(t *testing.T, token, url string) string {
	t.Helper()
	key, err := dpop.GenerateKey("ES256", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := key.Sign(dpop.Claims{Method: http.MethodPost, URL: url, AccessToken: token}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// TestPolicyRefusals asks through the SDK for what the policy does not allow.
func TestPolicyRefusals(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, document string
		status         int
		code           string
	}{
		{"model not allowed", `{"resource":"llm:openai","models":["o3*"]}`, 403, "model_not_allowed"},
		{"model denied", `{"resource":"llm:openai","deny_models":["gpt-4o*"]}`, 403, "model_not_allowed"},
		{"action not granted", `{"resource":"llm:openai","actions":["models.list"]}`, 403, "action_not_granted"},
		{"not yet valid", `{"resource":"llm:openai","not_before":"2999-01-01T00:00:00Z"}`, 403, "not_yet_valid"},
		{"body too large", `{"resource":"llm:openai","max_body_bytes":10}`, 413, "body_too_large"},
	}
	g := start(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			ai := sdk(g.pair(t, row.document))
			status, code := refusal(second(ai.Chat.Completions.New(t.Context(), question("gpt-4o"))))
			if status != row.status || code != row.code {
				t.Errorf("got %d %s, want %d %s", status, code, row.status, row.code)
			}
		})
	}
	if n := g.Fake.Count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

// TestExpiredPermission moves the gateway's clock past the permission's end.
// The app's clock goes along, or its proofs would be the reason.
func TestExpiredPermission(t *testing.T) {
	t.Parallel()
	clock := &movingClock{}
	g := start(t, clock.set)
	c, err := client.Pair(t.Context(), g.pairingString(t, `{"resource":"llm:openai","expires_in":"2m"}`), client.App{Name: "Notes", Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	ai := sdk(c)
	if _, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o")); err != nil {
		t.Fatalf("before the end: %v", err)
	}
	clock.move(3 * time.Minute)
	if status, code := refusal(second(ai.Chat.Completions.New(t.Context(), question("gpt-4o")))); status != 403 || code != "permission_expired" {
		t.Errorf("after the end: %d %s", status, code)
	}
	if n := g.Fake.Count(); n != 1 {
		t.Errorf("the provider saw %d requests, want 1", n)
	}
}

// TestReplay sends one captured request twice, in the same process and after
// a restart.
func TestReplay(t *testing.T) {
	t.Parallel()
	g := start(t, listenOn(freeAddress(t)))
	c := g.pair(t, `{"resource":"llm:openai"}`)
	url := g.URL + "/r/llm/openai/v1/chat/completions"
	got := capture(t, c, url)
	send := func() (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, chatBody("gpt-4o"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"DPoP " + got.token}, "Dpop": {got.proof}}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, code := readAnswer(t, answer)
		return answer.StatusCode, code
	}
	if status, code := send(); status != 200 {
		t.Fatalf("first use: %d %s", status, code)
	}
	if status, code := send(); status != 401 || code != "invalid_dpop_proof" {
		t.Errorf("second use: %d %s", status, code)
	}
	listen := strings.TrimPrefix(g.URL, "http://")
	g.stop()
	again := run(t, g.Dir, g.Fake, listenOn(listen))
	if err := again.Admin.Unlock(t.Context(), passphrase); err != nil {
		t.Fatal(err)
	}
	if status, code := send(); status != 401 || code != "invalid_dpop_proof" {
		t.Errorf("after a restart: %d %s", status, code)
	}
	if n := g.Fake.Count(); n != 1 {
		t.Errorf("the provider saw %d requests, want 1", n)
	}
}
