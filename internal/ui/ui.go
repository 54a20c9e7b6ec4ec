// Package ui is the owner's web console: pages, forms and their few static
// files.
//
// It guarantees that no page, address or cookie carries a secret (a new
// pairing string and a new recovery code are the exceptions: they are in the
// answer that made them, once, and nowhere else); that a page of the owner is never shown without a console
// session; that nothing happens on a GET; and that every page is complete
// without script. A permission without an end is granted only when the owner
// chose "forever" in the form that grants it.
//
// It holds no business rule: a handler reads its form, calls one method of the
// room below and renders what came back. It refuses to load anything from
// another origin, and to be framed.
//
// The server that mounts Routes has to put http.CrossOriginProtection in front
// of them: the forms carry no token of their own.
package ui

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/usage"
	"github.com/keywicket/keywicket/internal/vault"
)

// Config says what the console shows and acts on.
type Config struct {
	// Owner keeps the console's sessions. Required.
	Owner *owner.Owner
	// Pairing holds strings, consent requests and apps. Required.
	Pairing *pairing.Pairing
	// Vault holds the provider keys. Required.
	Vault *vault.Vault
	// Ledger knows what permissions have used. Required.
	Ledger *policy.Ledger
	// Providers is the list of services the gateway can reach, and the owner's
	// names for models. Required.
	Providers *providers.Book
	// Prices are what models cost. Required.
	Prices *price.Table
	// Usage is what was used. Required.
	Usage *usage.History
	// Alerts are what the owner would want to know. Required.
	Alerts *alerts.Board
	// Audit is shown as activity, and records what the owner does to keys and
	// locks. Required.
	Audit *audit.Log
	// TestKey makes one cheap call to the provider with a stored key.
	// Required.
	TestKey func(ctx context.Context, credentialID string) (KeyReport, error)
	// KeyHealth tells how each stored key that was used has fared, by its id.
	// Default: nothing is known.
	KeyHealth func() map[string]vault.Health
	// Restored says whether an older database was put back that the owner has
	// not accepted, and AcceptRestore accepts it. Default: never.
	Restored      func() bool
	AcceptRestore func() error
	// PublicURL is the origin under which the console is reached. Required.
	PublicURL string
	// Zone is the owner's time zone. Default time.Local.
	Zone *time.Location
	// Clock is the time source. Default time.Now.
	Clock func() time.Time
	// Log receives the causes of internal errors, never secrets. Default none.
	Log *slog.Logger
}

// KeyReport is what a provider said to a test call with a stored key.
type KeyReport struct {
	OK     bool
	Status int    // the provider's HTTP status; 0 when it was not reached
	Words  string // one plain sentence, without the key
}

// UI answers the owner's browser. Its methods may be called concurrently.
type UI struct {
	cfg Config

	mu    sync.Mutex
	tests map[string]keyTest // the last test of each key, by id; lost on restart
}

// New checks cfg and returns a UI.
func New(cfg Config) (*UI, error) {
	if cfg.Owner == nil || cfg.Pairing == nil || cfg.Vault == nil || cfg.Ledger == nil || cfg.Audit == nil || cfg.TestKey == nil {
		return nil, errors.New("ui: Owner, Pairing, Vault, Ledger, Audit and TestKey are required")
	}
	if cfg.Prices == nil || cfg.Usage == nil || cfg.Alerts == nil || cfg.Providers == nil {
		return nil, errors.New("ui: Prices, Usage, Alerts and Providers are required")
	}
	if cfg.PublicURL == "" {
		return nil, errors.New("ui: PublicURL is required")
	}
	if cfg.Restored == nil || cfg.AcceptRestore == nil {
		cfg.Restored, cfg.AcceptRestore = func() bool { return false }, func() error { return nil }
	}
	if cfg.KeyHealth == nil {
		cfg.KeyHealth = func() map[string]vault.Health { return nil }
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &UI{cfg: cfg, tests: map[string]keyTest{}}, nil
}

// secure says whether the console is reached over https.
func (u *UI) secure() bool { return strings.HasPrefix(u.cfg.PublicURL, "https://") }

// title is the name of a resource for people, or its id when it has none.
func (u *UI) title(resource string) string {
	for _, r := range u.cfg.Pairing.Resources() {
		if r.ID == resource && r.Title != "" {
			return r.Title
		}
	}
	return resource
}

// record writes what was done in the console to the audit log: by the owner,
// unless the event says otherwise.
func (u *UI) record(event audit.Event) error {
	event.Actor = cmp.Or(event.Actor, audit.Owner)
	if event.Detail != "" {
		event.Detail = strings.TrimSuffix(event.Detail, ".") + "; "
	}
	event.Detail += "console"
	return u.cfg.Audit.Append(event)
}
