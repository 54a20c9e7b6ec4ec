package admin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/usage"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
)

const (
	passphrase = "correct horse battery staple"
	canary     = "sk-canary-7f3d0c55"
)

// desk is an owner at the terminal: a client, over the real socket, to handlers
// over real rooms. Only the call to the provider is made up.
type desk struct {
	*admin.Client
	dir     string
	vault   *vault.Vault
	pairing *pairing.Pairing
	audit   *audit.Log
	data    *deskData
	admin   *admin.Admin
	server  *http.Server
	log     *bytes.Buffer
	book    *providers.Book
	usage   *usage.History
	alerts  *alerts.Board
	ledger  *policy.Ledger
	tested  []string // ids of tested keys

	signedOut int // how often
	now       time.Time
}

func embedded(t *testing.T) []plugins.Provider {
	t.Helper()
	known, err := all.Providers()
	check(t, err)
	return known
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{dir: t.TempDir(), log: &bytes.Buffer{}, now: time.Now()}
	db, err := store.Open(store.Config{Dir: d.dir})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	d.audit, err = audit.New(audit.Config{Dir: d.dir, Key: db.Derive("audit chain")})
	check(t, err)
	t.Cleanup(func() { _ = d.audit.Close() })
	d.vault, err = vault.New(vault.Config{Store: db, Argon2: vault.Argon2Params{MemoryKiB: 64, Passes: 1, Threads: 1}})
	check(t, err)
	d.data = &deskData{Store: db, vault: d.vault}
	d.ledger, err = policy.NewLedger(policy.LedgerConfig{Store: db, Zone: time.UTC, Clock: func() time.Time { return d.now }})
	check(t, err)
	t.Cleanup(func() { check(t, d.ledger.Close()) })
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: d.dir})
	check(t, err)
	t.Cleanup(func() { check(t, replay.Close()) })
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Replay: replay})
	check(t, err)
	known := []pairing.Resource{
		{ID: "llm:openai", Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}},
		{ID: "llm:other", Title: "Other", Actions: []string{"chat.completions"}},
	}
	d.pairing, err = pairing.New(pairing.Config{
		Store: db, Audit: d.audit, Issuer: "http://127.0.0.1:8787", Verifier: verifier,
		Resources: func() []pairing.Resource { return known },
	})
	check(t, err)
	t.Cleanup(func() {
		if err := d.pairing.Close(); !errors.Is(err, pairing.ErrNotRecorded) { // a test may have closed the audit log
			check(t, err)
		}
	})
	d.book, err = providers.Open(providers.Config{Store: db, Embedded: embedded(t), Build: all.Provider})
	check(t, err)
	d.usage, err = usage.New(usage.Config{Store: db, Zone: time.UTC, Clock: func() time.Time { return d.now }})
	check(t, err)
	t.Cleanup(func() { check(t, d.usage.Close()) })
	d.alerts, err = alerts.New(alerts.Config{Store: db, Clock: func() time.Time { return d.now }})
	check(t, err)
	t.Cleanup(func() { check(t, d.alerts.Close()) })
	prices, err := price.Open(price.Config{Store: db})
	check(t, err)
	d.admin, err = admin.New(admin.Config{
		Providers: d.book, Usage: d.usage, Alerts: d.alerts, Prices: prices,
		Pairing: d.pairing, Vault: d.vault, Ledger: d.ledger, Audit: d.audit, Data: d.data,
		TestKey: func(_ context.Context, id string) (admin.KeyReport, error) {
			d.tested = append(d.tested, id)
			return admin.KeyReport{OK: true, Status: http.StatusOK, Words: "It works."}, nil
		},
		SignOut:   func() error { d.signedOut++; return nil },
		PublicURL: "http://127.0.0.1:8787", Zone: time.UTC, Clock: func() time.Time { return d.now },
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	})
	check(t, err)
	d.serve(t)
	return d
}

func (d *desk) serve(t *testing.T) {
	t.Helper()
	e := echo.New()
	d.admin.Register(e)
	socket, err := owner.ListenSocket(d.dir)
	check(t, err)
	d.server = &http.Server{Handler: e}
	go func() { _ = d.server.Serve(socket) }()
	t.Cleanup(func() { _ = d.server.Close() })
	d.Client, err = admin.Dial(d.dir)
	check(t, err)
	t.Cleanup(d.Client.Close)
}

// setUp sets the passphrase and stores a key.
func (d *desk) setUp(t *testing.T) admin.Key {
	t.Helper()
	check(t, d.Init(t.Context(), admin.InitInput{Passphrase: passphrase}))
	key, err := d.AddKey(t.Context(), admin.KeyInput{Resource: "llm:openai", Label: "work", Secret: canary})
	check(t, err)
	return key
}

const asksOpenAI = `[{"type":"keywicket","identifier":"llm:openai"}]`

// ask redeems a new string as an app called name and asks for details.
func (d *desk) ask(t *testing.T, name, details string, preset ...policy.Document) pairing.ConsentRequest {
	t.Helper()
	made, err := d.pairing.CreateString(pairing.StringOptions{Preset: preset})
	check(t, err)
	code := made.Value[strings.LastIndex(made.Value, "::")+2:]
	registered, err := d.pairing.Redeem(t.Context(), pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Address: "192.0.2.7",
		Metadata: []byte(`{"client_name":"` + name + `","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"token_endpoint_auth_method":"none","dpop_bound_access_tokens":true}`),
	})
	check(t, err)
	answer, err := d.pairing.AskDevice(t.Context(), pairing.DeviceRequest{
		ClientID: registered.ClientID, AuthorizationDetails: details, Address: "192.0.2.7",
	})
	check(t, err)
	request, err := d.pairing.RequestByUserCode(answer.UserCode)
	check(t, err)
	return request
}

// kinds lists what the newest n events were.
func (d *desk) kinds(t *testing.T, n int) []audit.Kind {
	t.Helper()
	events, err := d.Audit(t.Context(), n)
	check(t, err)
	var kinds []audit.Kind
	for _, event := range events {
		kinds = append(kinds, event.Kind)
	}
	return kinds
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
