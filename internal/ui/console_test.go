package ui_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/ui"
	"github.com/keywicket/keywicket/internal/usage"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins/all"
)

const (
	passphrase = "five ordinary words in a row"
	// canary is a provider key. It must not be found in any page.
	canary = "sk-canary-7f3b9c51d2e84a60"
)

var resources = []pairing.Resource{
	{ID: "llm:openai", Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}},
	{ID: "mail:resend", Title: "Resend", Actions: []string{"emails.send"}},
}

// console is the web console on real rooms, served over loopback. Its clock
// stands, so that no day ends under a test.
type console struct {
	now      time.Time
	restored bool // an older database was put back

	t       *testing.T
	dir     string
	url     string
	owner   *owner.Owner
	pairing *pairing.Pairing
	vault   *vault.Vault
	ledger  *policy.Ledger
	audit   *audit.Log
	usage   *usage.History
	alerts  *alerts.Board
	book    *providers.Book
	health  atomic.Pointer[map[string]vault.Health]
	ui      *ui.UI
}

func newConsole(t *testing.T) *console {
	t.Helper()
	c := &console{now: time.Now(), t: t, dir: t.TempDir()}
	clock := func() time.Time { return c.now }
	records, err := store.Open(store.Config{Dir: c.dir})
	c.must(err)
	t.Cleanup(func() { c.must(records.Close()) })
	c.audit, err = audit.New(audit.Config{Dir: c.dir, Clock: clock, Key: records.Derive("audit chain")})
	c.must(err)
	t.Cleanup(func() { c.must(c.audit.Close()) })
	c.vault, err = vault.New(vault.Config{Store: records, Clock: clock, Argon2: vault.Argon2Params{MemoryKiB: 64, Passes: 1, Threads: 1}})
	c.must(err)
	c.owner, err = owner.New(owner.Config{Store: records, Clock: clock, SetUp: c.vault.Initialized})
	c.must(err)
	c.ledger, err = policy.NewLedger(policy.LedgerConfig{Store: records, Clock: clock, Zone: time.UTC})
	c.must(err)
	t.Cleanup(func() { c.must(c.ledger.Close()) })
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: c.dir, Clock: clock})
	c.must(err)
	t.Cleanup(func() { c.must(replay.Close()) })
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Replay: replay, Clock: clock})
	c.must(err)

	// The address is known before the console is: tokens and proofs name it.
	e := echo.New()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	c.pairing, err = pairing.New(pairing.Config{Store: records, Clock: clock, Audit: c.audit, Issuer: c.url, Verifier: verifier, Resources: func() []pairing.Resource { return resources }})
	c.must(err)
	t.Cleanup(func() { c.must(c.pairing.Close()) })
	c.usage, err = usage.New(usage.Config{Store: records, Clock: clock, Zone: time.UTC})
	c.must(err)
	t.Cleanup(func() { c.must(c.usage.Close()) })
	c.alerts, err = alerts.New(alerts.Config{Store: records, Clock: clock})
	c.must(err)
	t.Cleanup(func() { c.must(c.alerts.Close()) })
	embedded, err := all.Providers()
	c.must(err)
	c.book, err = providers.Open(providers.Config{Store: records, Clock: clock, Embedded: embedded, Build: all.Provider})
	c.must(err)
	prices, err := price.Open(price.Config{Store: records, Clock: clock})
	c.must(err)
	c.ui, err = ui.New(ui.Config{
		Owner: c.owner, Pairing: c.pairing, Vault: c.vault, Ledger: c.ledger, Audit: c.audit,
		Providers: c.book, Prices: prices, Usage: c.usage, Alerts: c.alerts,
		KeyHealth: func() (all map[string]vault.Health) {
			if known := c.health.Load(); known != nil {
				all = *known
			}
			return all
		},
		TestKey: c.testKey, PublicURL: c.url, Zone: time.UTC, Clock: clock,
		Restored: func() bool { return c.restored }, AcceptRestore: func() error { c.restored = false; return nil },
	})
	c.must(err)
	c.mount(e)
	return c
}

// mount does what the server does with the routes.
func (c *console) mount(e *echo.Echo) {
	sameOrigin := echo.WrapMiddleware(http.NewCrossOriginProtection().Handler)
	for _, r := range c.ui.Routes() {
		e.Add(r.Method, r.Path, r.Handler, sameOrigin, c.ui.Guard(r.Access))
		if r.Method == http.MethodGet && c.ui.ForHead(r.Path) {
			e.HEAD(r.Path, r.Handler, sameOrigin, c.ui.Guard(r.Access))
		}
	}
	e.HTTPErrorHandler = func(err error, ctx echo.Context) { _ = c.ui.Error(ctx, err) }
}

// testKey answers like a provider that knows the canary only.
func (c *console) testKey(_ context.Context, id string) (ui.KeyReport, error) {
	_, secret, err := c.vault.ReleaseByID(id)
	if err != nil {
		return ui.KeyReport{}, err
	}
	defer secret.Zero()
	if string(secret.Bytes()) != canary {
		return ui.KeyReport{Status: 401, Words: "OpenAI does not know this key (401). Add a new one and remove this one."}, nil
	}
	return ui.KeyReport{OK: true, Status: 200, Words: "OpenAI accepts this key: 63 models are listed."}, nil
}

func (c *console) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// setUp makes the vault as the set-up page would.
func (c *console) setUp() *console {
	c.t.Helper()
	c.must(c.vault.Init([]byte(passphrase)))
	return c
}

// events counts the audit lines of a kind.
func (c *console) events(kind audit.Kind) (n int) {
	c.t.Helper()
	all, err := c.audit.Tail(1000)
	c.must(err)
	for _, e := range all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// visitor is a browser without a screen: it keeps cookies and follows no
// redirect.
type visitor struct {
	*console
	client *http.Client
}

func (c *console) visitor() *visitor {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	c.must(err)
	return &visitor{console: c, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a visitor with a console session.
func (c *console) signedIn() *visitor {
	c.t.Helper()
	v := c.visitor()
	token, err := c.owner.StartSession()
	c.must(err)
	at, err := url.Parse(c.url)
	c.must(err)
	v.client.Jar.SetCookies(at, []*http.Cookie{c.owner.Cookie(token)})
	return v
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body string
}

// location is where the answer leads, without the origin.
func (r reply) location() string { return r.Header.Get("Location") }

func (v *visitor) get(path string) reply { return v.send(http.MethodGet, path, nil, nil) }

// post sends a form as this console's own page would.
func (v *visitor) post(path string, fields ...string) reply {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return v.send(http.MethodPost, path, form, http.Header{"Origin": {v.url}, "Sec-Fetch-Site": {"same-origin"}})
}

func (v *visitor) send(method, path string, form url.Values, h http.Header) reply {
	v.t.Helper()
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(form.Encode()))
	v.must(err)
	r.Header = h
	if h == nil {
		r.Header = http.Header{}
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(r)
	v.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	v.must(err)
	return reply{resp, string(body)}
}

// want checks status and, for redirects, where they lead.
func (r reply) want(t *testing.T, status int, location string) {
	t.Helper()
	if r.StatusCode != status || r.location() != location {
		t.Errorf("%s %s: %d to %q, want %d to %q\n%.600s", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.location(), status, location, r.body)
	}
}

// app is an app that talks to the pairing room directly.
type app struct {
	*console
	key    *dpop.Key
	id     string
	device pairing.DeviceResponse
}

// redeem turns a pairing string into an app with the given metadata.
func (c *console) redeem(value, metadata string) *app {
	c.t.Helper()
	code, ok := strings.CutPrefix(value, "pair::"+c.url+"::")
	if !ok {
		c.t.Fatal("the pairing string does not name this gateway")
	}
	r, err := c.pairing.Redeem(context.Background(), pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Metadata: []byte(metadata), Address: "192.0.2.17",
	})
	c.must(err)
	key, err := dpop.GenerateKey(dpop.EdDSA, nil)
	c.must(err)
	return &app{console: c, key: key, id: r.ClientID}
}

// ask asks for details, or for nothing in particular when they are empty.
func (a *app) ask(details string) *app {
	a.t.Helper()
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: a.url + "/oauth/device"}, a.now)
	a.must(err)
	a.device, err = a.pairing.AskDevice(context.Background(), pairing.DeviceRequest{
		ClientID: a.id, AuthorizationDetails: details, Proof: dpop.Request{Headers: []string{proof}}, Address: "192.0.2.17",
	})
	a.must(err)
	return a
}

// asks pairs a new app that asks for details.
func (c *console) asks(name, details string) *app {
	c.t.Helper()
	s, err := c.pairing.CreateString(pairing.StringOptions{})
	c.must(err)
	return c.redeem(s.Value, `{"client_name":"`+name+`","client_uri":"https://notes.example"}`).ask(details)
}

// request is the consent request of the app.
func (a *app) request() pairing.ConsentRequest {
	a.t.Helper()
	r, err := a.pairing.RequestByUserCode(a.device.UserCode)
	a.must(err)
	return r
}

// collect picks up the tokens after an approval.
func (a *app) collect() {
	a.t.Helper()
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: a.url + "/oauth/token"}, a.now)
	a.must(err)
	_, err = a.pairing.Token(context.Background(), pairing.TokenRequest{
		GrantType: pairing.GrantDeviceCode, ClientID: a.id, DeviceCode: a.device.DeviceCode,
		Proof: dpop.Request{Headers: []string{proof}}, Address: "192.0.2.17",
	})
	a.must(err)
}

// granted is the one document that the app has been granted.
func (a *app) granted() policy.Document {
	a.t.Helper()
	all := a.pairing.Permissions(a.id)
	if len(all) != 1 {
		a.t.Fatalf("%d permissions, want 1", len(all))
	}
	return all[0].Document
}

// nowhere fails when a secret is in any file of the data directory.
func (c *console) nowhere(secret string) {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "*"))
	c.must(err)
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), secret) {
			c.t.Errorf("a secret is in %s", filepath.Base(file))
		}
	}
}

// breakAudit makes the audit log impossible to write.
func breakAudit(c *console) {
	c.t.Helper()
	path := filepath.Join(c.dir, "audit.jsonl")
	c.must(os.Rename(path, path+".away"))
	c.must(os.Mkdir(path, 0o700))
	c.t.Cleanup(func() { // what is owed is written at the end
		c.must(os.Remove(path))
		c.must(os.Rename(path+".away", path))
	})
}
