package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/proxy"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/ui"
	"github.com/keywicket/keywicket/internal/usage"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// rooms are the parts of one gateway, opened from the bottom up.
type rooms struct {
	store   *store.Store
	audit   *audit.Log
	vault   *vault.Vault
	owner   *owner.Owner
	ledger  *policy.Ledger
	prices  *price.Table
	usage   *usage.History
	alerts  *alerts.Board
	metrics *metrics
	watch   *watch
	book    *providers.Book
	pairing *pairing.Pairing
	proxy   *proxy.Proxy
	ui      *ui.UI
	admin   *admin.Admin

	closers []func() error // in opening order
}

func openRooms(cfg Config, publicURL string) (*rooms, error) {
	r := &rooms{}
	if err := r.open(cfg, publicURL); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rooms) open(cfg Config, publicURL string) error {
	if err := r.openRecords(cfg); err != nil {
		return err
	}
	if err := r.openPairing(cfg, publicURL); err != nil {
		return err
	}
	var err error
	r.proxy, err = proxy.New(proxy.Config{
		Pairing: r.pairing, Ledger: r.ledger, Vault: r.vault, Audit: r.audit,
		Providers: r.book, Prices: r.prices, History: r.watch, PublicURL: publicURL, Zone: cfg.Zone, SpoolDir: cfg.DataDir,
		DrainBytes: cfg.DrainBytes, DrainTime: cfg.DrainTime, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return err
	}
	r.metrics.registry.MustRegister(newGatewayState(r))
	return r.openFronts(cfg, publicURL)
}

// openRecords opens what keeps data. The store comes first: its lock on the
// directory is what makes everything else here the only one of its kind.
func (r *rooms) openRecords(cfg Config) error {
	var err error
	if r.store, err = store.Open(store.Config{Dir: cfg.DataDir, EpochFile: cfg.EpochFile}); err != nil {
		return fmt.Errorf("opening %s: %w", cfg.DataDir, err)
	}
	r.closers = append(r.closers, r.store.Close)
	if r.audit, err = audit.New(audit.Config{Dir: cfg.DataDir, Key: r.store.Derive("audit chain"), Clock: cfg.Clock}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.audit.Close)
	if r.vault, err = vault.New(vault.Config{Store: r.store, Clock: cfg.Clock}); err != nil {
		return err
	}
	r.closers = append(r.closers, func() error { r.vault.Lock(); return nil })
	if err := r.openWatch(cfg); err != nil {
		return err
	}
	if r.ledger, err = policy.NewLedger(policy.LedgerConfig{
		Store: r.store, Watch: r.watch.crossed, Clock: cfg.Clock, Zone: cfg.Zone, Log: cfg.Log,
	}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.ledger.Close)
	if r.prices, err = price.Open(price.Config{Store: r.store, Clock: cfg.Clock}); err != nil {
		return err
	}
	r.book, err = providers.Open(providers.Config{
		Store: r.store, Embedded: cfg.Providers, Build: cfg.builder(), Clock: cfg.Clock,
	})
	return err
}

// builder refuses the owner's manifests where nothing can be made of them.
func (c Config) builder() func(plugins.Manifest) (plugins.Provider, error) {
	if c.BuildProvider != nil {
		return c.BuildProvider
	}
	return func(plugins.Manifest) (plugins.Provider, error) {
		return nil, &plugins.ManifestError{Member: "dialect", Problem: "this gateway takes no further providers"}
	}
}

func (r *rooms) openPairing(cfg Config, publicURL string) error {
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: cfg.DataDir, Clock: cfg.Clock, Log: cfg.Log})
	if err != nil {
		return err
	}
	r.closers = append(r.closers, replay.Close)
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: cfg.Clock, Replay: replay})
	if err != nil {
		return err
	}
	r.pairing, err = pairing.New(pairing.Config{
		Store: r.store, Audit: r.audit, Issuer: publicURL, Verifier: verifier,
		Resources: func() []pairing.Resource { return resources(r.book.All()) }, DPoPNonce: cfg.DPoPNonce, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return err
	}
	r.closers = append(r.closers, r.pairing.Close)
	return nil
}

// openFronts opens what people use: the console and the local commands.
func (r *rooms) openFronts(cfg Config, publicURL string) (err error) {
	secure := strings.HasPrefix(publicURL, "https://")
	if r.owner, err = owner.New(owner.Config{Store: r.store, Clock: cfg.Clock, Secure: secure, SetUp: r.vault.Initialized}); err != nil {
		return err
	}
	r.ui, err = ui.New(ui.Config{
		Owner: r.owner, Pairing: r.pairing, Vault: r.vault, Ledger: r.ledger, Audit: r.audit,
		TestKey: func(ctx context.Context, id string) (ui.KeyReport, error) {
			report, err := r.proxy.TestKey(ctx, id)
			return ui.KeyReport(report), err
		},
		KeyHealth: r.proxy.KeyHealth, Providers: r.book, Prices: r.prices, Usage: r.usage, Alerts: r.alerts,
		Restored: keeper{r}.Restored, AcceptRestore: keeper{r}.AcceptRestore,
		PublicURL: publicURL, Zone: cfg.Zone, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return err
	}
	r.admin, err = admin.New(admin.Config{
		SignOut: r.owner.EndAllSessions, Providers: r.book, Prices: r.prices, Usage: r.usage, Alerts: r.alerts,
		Pairing: r.pairing, Vault: r.vault, Ledger: r.ledger, Audit: r.audit,
		TestKey: func(ctx context.Context, id string) (admin.KeyReport, error) {
			report, err := r.proxy.TestKey(ctx, id)
			return admin.KeyReport(report), err
		},
		KeyHealth: r.proxy.KeyHealth, Running: r.proxy.Running, Data: keeper{r}, PublicURL: publicURL,
		Zone: cfg.Zone, Clock: cfg.Clock, Log: cfg.Log, Version: cfg.Version,
	})
	return err
}

// resources says to pairing what the providers offer.
func resources(providers []plugins.Provider) []pairing.Resource {
	var all []pairing.Resource
	for _, p := range providers {
		m := p.Manifest()
		resource := pairing.Resource{ID: m.ID, Title: m.Title}
		for _, a := range m.Actions {
			resource.Actions = append(resource.Actions, a.Name)
		}
		if m.OpenAI != nil {
			for _, a := range m.OpenAI.Actions {
				resource.Actions = append(resource.Actions, a.Name)
			}
		}
		all = append(all, resource)
	}
	return all
}

// setupURL is the one-time link a browser sets the gateway up with, or "" when
// that has been done.
func (r *rooms) setupURL(publicURL string) (string, error) {
	if r.vault.Initialized() {
		return "", nil
	}
	token, err := r.owner.SetupToken()
	if err != nil {
		return "", err
	}
	return publicURL + "/setup?token=" + url.QueryEscape(token), nil
}

// unlockAtStart unlocks the vault with a key file. A relative name is looked
// up among systemd's credentials first (systemd.exec, LoadCredential=).
func (r *rooms) unlockAtStart(name string) error {
	if name == "" {
		return nil
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && !filepath.IsAbs(name) {
		if path := filepath.Join(dir, name); fileExists(path) {
			name = path
		}
	}
	key, err := readKeyFile(name)
	if err != nil {
		return fmt.Errorf("unlocking at start: %w; make a key file with: gateway slot add-key-file FILE", err)
	}
	defer clear(key)
	if err := r.vault.UnlockWithKey(key); err != nil {
		return fmt.Errorf("unlocking at start with %s: %w", name, err)
	}
	return r.audit.Append(audit.Event{Kind: audit.VaultUnlocked, Actor: audit.Gateway, Detail: "key file at start"})
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// maxKeyFile bounds what is read of a key file: it is one short line.
const maxKeyFile = 1 << 10

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// close closes what was opened, the last first.
func (r *rooms) close() error {
	var errs []error
	for _, c := range slices.Backward(r.closers) {
		errs = append(errs, c())
	}
	r.closers = nil
	return errors.Join(errs...)
}
