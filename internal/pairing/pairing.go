// Package pairing lets apps in: pairing strings, client registration, the
// owner's consent, tokens and the sessions they stand for.
//
// It guarantees that one pairing string makes one app, however many redeem it
// at once; that nothing is granted which the audit log could not record; that
// every token is bound to the app's own key (RFC 9449); and that a revocation,
// a suspension or a freeze is visible to every check before it is reported as
// done. Only hashes of codes and refresh tokens are kept.
//
// It refuses whatever it has no record of: absence means deny, and states are
// named values whose zero is invalid. It does not decide what a permission
// allows (policy does) and never sees a provider key.
//
//	pairing string ── redeem ──▶ app ── ask, or push and open ──▶ consent request ── approve ──▶ permissions
//	                                                                     │
//	                              device code, or code and verifier, + proof ──▶ session
//	session ── refresh token + proof ──▶ access token ── + proof ──▶ Caller
package pairing

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/store"
)

// Config says what pairing works with.
type Config struct {
	// Store keeps apps, permissions, requests and sessions; required.
	Store *store.Store
	// Audit records every grant and every end of one; required.
	Audit *audit.Log
	// Issuer is the gateway's public origin without a trailing slash, such as
	// https://keys.example.com; required.
	Issuer string
	// Verifier checks DPoP proofs; required.
	Verifier *dpop.Verifier
	// Resources tells what may be asked for and granted at present; required.
	// What is granted already stays when it is not among them any more.
	Resources func() []Resource
	// DPoPNonce makes every proof carry a nonce that this process gave out a
	// moment ago (RFC 9449 section 8); default false.
	DPoPNonce bool
	// Clock is the time source; default time.Now.
	Clock func() time.Time
	// Rand is the source of codes, tokens and ids; default crypto/rand.Reader.
	Rand io.Reader
	// Log receives what could not be recorded elsewhere, never secrets;
	// default none.
	Log *slog.Logger
}

// Resource is something an app may be given access to.
type Resource struct {
	// ID is the type and provider, such as llm:openai.
	ID string
	// Title is its name for people.
	Title string
	// Actions are those a permission may name.
	Actions []string
}

// Pairing is the open state of all apps. Its methods may be called
// concurrently.
type Pairing struct {
	cfg    Config
	signer *signer
	nonces *nonces // nil when proofs need none

	// changing serialises everything that writes, so that what a change read
	// from memory still holds when its transaction commits.
	changing sync.Mutex
	untold   []Change // guarded by changing

	// mu guards live, halts and watchers. What is in live is written with both
	// locks held, so either is enough to read it.
	mu       sync.RWMutex
	live     live
	halts    halts
	watchers []func(Change)

	// changing guards the next two.
	retrying, closed bool
	closing          chan struct{} // closed when retries must end
	retries          sync.WaitGroup
}

// New loads the records of cfg.Store; on a new store it makes the key that
// signs access tokens.
func New(cfg Config) (*Pairing, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("opening pairing: Config.Store is required")
	case cfg.Audit == nil:
		return nil, errors.New("opening pairing: Config.Audit is required")
	case cfg.Verifier == nil:
		return nil, errors.New("opening pairing: Config.Verifier is required")
	case cfg.Resources == nil:
		return nil, errors.New("opening pairing: Config.Resources is required")
	}
	if err := checkIssuer(cfg.Issuer); err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pairing{cfg: cfg, halts: halts{}, closing: make(chan struct{})}
	p.live.owed = newOwed()
	if cfg.DPoPNonce {
		if err := p.startNonces(); err != nil {
			return nil, fmt.Errorf("opening pairing: %w", err)
		}
	}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("opening pairing: %w", err)
	}
	return p, nil
}

// Resources lists what may be asked for and granted at present.
func (p *Pairing) Resources() []Resource { return p.cfg.Resources() }

// checkIssuer holds the issuer to an origin: tokens name it, metadata must
// repeat it byte for byte (RFC 8414 section 3.3) and proofs are checked
// against it.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || issuer != u.Scheme+"://"+u.Host {
		return errors.New("opening pairing: Config.Issuer must be an origin such as https://keys.example.com, without path or trailing slash")
	}
	return nil
}

// Close writes when sessions were last used, and what could not be written
// before. The Pairing must not be used afterwards; Config.Store and
// Config.Audit stay open.
func (p *Pairing) Close() error {
	p.endRetries()
	p.changing.Lock()
	defer p.changing.Unlock()
	return errors.Join(p.settle(), p.update(func(tx *store.Tx) error {
		for id, s := range p.live.sessions {
			if err := sessionRecords.Put(tx, id, s.current()); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (p *Pairing) endRetries() {
	p.changing.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.changing.Unlock()
	p.retries.Wait()
}

// now is the wall clock alone. A monotonic reading stands still while a laptop
// sleeps, and would let codes outlive the night.
func (p *Pairing) now() time.Time { return p.cfg.Clock().Round(0).UTC() }
