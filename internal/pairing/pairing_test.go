package pairing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

const issuer = "https://keys.example.com"

var resources = []pairing.Resource{
	{ID: "llm:openai", Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}},
	{ID: "mail:resend", Title: "Resend", Actions: []string{"emails.send"}},
}

// clock is a wall clock that moves only when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// gateway is a Pairing on real files.
type gateway struct {
	*pairing.Pairing
	t      testing.TB
	dir    string
	clock  *clock
	store  *store.Store
	audit  *audit.Log
	replay *dpop.Replay
}

func newGateway(t testing.TB) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: t.TempDir(), clock: &clock{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}
	g.open()
	t.Cleanup(g.close)
	return g
}

func (g *gateway) open() {
	g.t.Helper()
	var err error
	g.store, err = store.Open(store.Config{Dir: g.dir})
	g.must(err)
	g.audit, err = audit.New(audit.Config{Dir: g.dir, Key: g.store.Derive("audit chain"), Clock: g.clock.Now})
	g.must(err)
	g.replay, err = dpop.OpenReplay(dpop.ReplayConfig{Dir: g.dir, Clock: g.clock.Now})
	g.must(err)
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: g.clock.Now, Replay: g.replay})
	g.must(err)
	g.Pairing, err = pairing.New(pairing.Config{
		Store: g.store, Audit: g.audit, Issuer: issuer, Verifier: verifier, Resources: func() []pairing.Resource { return resources }, Clock: g.clock.Now,
	})
	g.must(err)
}

func (g *gateway) close() {
	for _, c := range []func() error{g.replay.Close, g.audit.Close, g.store.Close} {
		if err := c(); err != nil {
			g.t.Errorf("closing: %v", err)
		}
	}
}

// restart opens the same directory anew, a moment later. Without Close first
// it is what follows a kill.
func (g *gateway) restart() {
	g.t.Helper()
	g.close()
	g.clock.Advance(2 * time.Second)
	g.open()
}

// breakAudit makes the audit log impossible to write until the returned
// function is called. It is repaired in one step: what is owed may be written
// at any moment.
func (g *gateway) breakAudit() (repair func()) {
	g.t.Helper()
	path := filepath.Join(g.dir, "audit.jsonl")
	g.must(os.Rename(path, path+".away"))
	g.must(os.Symlink("nowhere", path))
	return func() {
		g.t.Helper()
		g.must(os.Rename(path+".away", path))
	}
}

func (g *gateway) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// code makes a pairing string and returns its code.
func (g *gateway) code(o pairing.StringOptions) string {
	g.t.Helper()
	s, err := g.CreateString(o)
	g.must(err)
	code, ok := strings.CutPrefix(s.Value, "pair::"+issuer+"::")
	if !ok || len(code) != 43 {
		g.t.Fatalf("pairing string has another form (%d bytes)", len(s.Value))
	}
	return code
}

// events counts the audit lines of a kind.
func (g *gateway) events(kind audit.Kind) (n int) {
	g.t.Helper()
	all, err := g.audit.Tail(10_000)
	g.must(err)
	for _, e := range all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// app is the app's side: a key, and what it has been told.
type app struct {
	g       *gateway
	key     *dpop.Key
	id      string
	device  string
	refresh string
	access  string
}

func (g *gateway) newKey() *dpop.Key {
	g.t.Helper()
	key, err := dpop.GenerateKey(dpop.EdDSA, nil)
	g.must(err)
	return key
}

// proof is a DPoP header for one of the endpoints.
func (g *gateway) proof(key *dpop.Key, path, token string) dpop.Request {
	g.t.Helper()
	proof, err := key.Sign(dpop.Claims{Method: "POST", URL: issuer + path, AccessToken: token}, g.clock.Now())
	g.must(err)
	return dpop.Request{Headers: []string{proof}}
}

func (g *gateway) redeem(code, metadata string) (pairing.Registration, error) {
	return g.Redeem(context.Background(), pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Metadata: []byte(metadata), Address: "192.0.2.7",
	})
}

// register redeems a new pairing string without showing a key.
func (g *gateway) register(o pairing.StringOptions) *app {
	g.t.Helper()
	r, err := g.redeem(g.code(o), `{"client_name":"Notes"}`)
	g.must(err)
	return &app{g: g, key: g.newKey(), id: r.ClientID}
}

// pair takes an app all the way to its tokens.
func (g *gateway) pair(documents ...policy.Document) *app {
	g.t.Helper()
	if len(documents) == 0 {
		documents = []policy.Document{{Resource: "llm:openai"}}
	}
	a := g.register(pairing.StringOptions{Preset: documents, Approve: true})
	a.ask("")
	g.must(a.collect())
	return a
}

func (a *app) ask(scope string) pairing.DeviceResponse {
	a.g.t.Helper()
	d, err := a.g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: scope, Address: "192.0.2.7"})
	a.g.must(err)
	a.device = d.DeviceCode
	return d
}

func (a *app) token(r pairing.TokenRequest) (pairing.TokenResponse, error) {
	a.g.t.Helper()
	r.ClientID, r.Proof = a.id, a.g.proof(a.key, "/oauth/token", "")
	return a.g.Token(context.Background(), r)
}

func (a *app) poll() (pairing.TokenResponse, error) {
	a.g.t.Helper()
	return a.token(pairing.TokenRequest{GrantType: pairing.GrantDeviceCode, DeviceCode: a.device})
}

func (a *app) collect() error {
	a.g.t.Helper()
	r, err := a.poll()
	a.refresh, a.access = r.RefreshToken, r.AccessToken
	return err
}

func (a *app) renew() error {
	a.g.t.Helper()
	r, err := a.token(pairing.TokenRequest{GrantType: pairing.GrantRefreshToken, RefreshToken: a.refresh})
	if err == nil {
		a.access = r.AccessToken
	}
	return err
}

// use makes a request with the app's token and a fresh proof.
func (a *app) use() (*pairing.Caller, error) {
	a.g.t.Helper()
	const url = issuer + "/r/llm/openai/v1/models"
	proof, err := a.key.Sign(dpop.Claims{Method: "GET", URL: url, AccessToken: a.access}, a.g.clock.Now())
	a.g.must(err)
	return a.g.Authenticate(pairing.AuthRequest{
		Authorization: []string{"DPoP " + a.access},
		Proof:         dpop.Request{Headers: []string{proof}, Method: "GET", URL: url},
	})
}

func (a *app) session() string {
	a.g.t.Helper()
	caller, err := a.use()
	a.g.must(err)
	return caller.Session.ID
}

// refused checks status and code of an OAuth error.
func refused(t *testing.T, err error, status int, code string) *pairing.OAuthError {
	t.Helper()
	e, ok := errors.AsType[*pairing.OAuthError](err)
	if !ok {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
	if e.Status != status || e.Code != code {
		t.Errorf("got %d %s (%s), want %d %s", e.Status, e.Code, e.Description, status, code)
	}
	if e.Description == "" || strings.ContainsAny(e.Description, "\"\\\n") {
		t.Errorf("description %q is empty or not what RFC 6749 section 5.2 allows", e.Description)
	}
	return e
}
