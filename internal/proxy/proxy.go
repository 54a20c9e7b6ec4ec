// Package proxy is the data plane: it takes an app's request through the
// gateway to a provider and brings the answer back.
//
//	route ─▶ authenticate ─▶ register ─▶ describe ─▶ decide ─▶ reserve ─▶ announce ─▶ release key
//	                                                                                      │
//	              end: settle, audit ◀── meter ◀── stream or body ◀── forward ◀───────────┘
//
// It guarantees that nothing reaches a provider before the app, its proof, its
// permission and its limits have been checked and the audit log has taken a
// line about it; that method, URL, headers and credential of the upstream
// request are the gateway's own; that what a provider reports is charged even
// when the client has gone; and that a revocation, a suspension, a freeze, a
// lock or an expiry stops what is running, streams with a last error event.
//
// It refuses protocol upgrades, follows no redirect, sends no header that is
// not on the provider's list in either direction, and never shows a provider's
// key: not in answers, errors, logs or the audit log.
package proxy

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// Config says what the data plane works with. Durations and sizes below 1 mean
// the default.
type Config struct {
	// Pairing knows the apps; required.
	Pairing *pairing.Pairing
	// Ledger counts what they use; required.
	Ledger *policy.Ledger
	// Vault holds the providers' keys; required.
	Vault *vault.Vault
	// Audit records every request; required.
	Audit *audit.Log
	// Providers are what can be reached; required.
	Providers *plugins.Registry
	// PublicURL is the origin that proofs are made for, such as
	// https://keys.example.com, without a trailing slash; required.
	PublicURL string
	// Clock is the time source of policy and audit; default time.Now.
	Clock func() time.Time
	// Rand is the source of request ids; default crypto/rand.Reader.
	Rand io.Reader
	// Log receives operational messages, never secrets; default none.
	Log *slog.Logger

	// MaxBodyBytes bounds one request body; default 32 MiB.
	MaxBodyBytes int64
	// MaxBodyMemory bounds all request bodies held at a time, in bytes;
	// default 512 MiB, at least MaxBodyBytes.
	MaxBodyMemory int64
	// MaxRunning bounds the requests under way at a time; default 4,096.
	MaxRunning int
	// DrainBytes and DrainTime bound how far an answer is read after its
	// client has gone, to learn what it cost; default 4 MiB and 30 s.
	DrainBytes int64
	DrainTime  time.Duration
	// Timeouts bound each wait.
	Timeouts Timeouts
}

// Timeouts bound the waits of one exchange; there is none on the whole of it.
type Timeouts struct {
	Body   time.Duration // the client sending its request body; default 30 s
	Write  time.Duration // the client taking one write; default 30 s
	Cut    time.Duration // the client taking the last event of a stream that is cut; default 2 s
	Dial   time.Duration // connecting to a provider; default 10 s
	TLS    time.Duration // the TLS handshake with it; default 10 s
	Header time.Duration // its first answer, after the request was written; default 10 min
	Idle   time.Duration // its silence in the middle of an answer; default 5 min
	Test   time.Duration // all of a key test; default 15 s
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.MaxBodyBytes = positive(c.MaxBodyBytes, 32<<20)
	c.MaxBodyMemory = max(positive(c.MaxBodyMemory, 512<<20), c.MaxBodyBytes)
	c.MaxRunning = positive(c.MaxRunning, 4096)
	c.DrainBytes = positive(c.DrainBytes, 4<<20)
	c.DrainTime = positive(c.DrainTime, 30*time.Second)
	c.Timeouts = c.Timeouts.withDefaults()
	return c
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Body:   positive(t.Body, 30*time.Second),
		Write:  positive(t.Write, 30*time.Second),
		Cut:    positive(t.Cut, 2*time.Second),
		Dial:   positive(t.Dial, 10*time.Second),
		TLS:    positive(t.TLS, 10*time.Second),
		Header: positive(t.Header, 10*time.Minute),
		Idle:   positive(t.Idle, 5*time.Minute),
		Test:   positive(t.Test, 15*time.Second),
	}
}

func positive[T cmp.Ordered](value, otherwise T) T {
	var zero T
	if value > zero {
		return value
	}
	return otherwise
}

// Proxy is the data plane of one gateway. It is safe for concurrent use.
type Proxy struct {
	cfg       Config
	running   *running
	transport *http.Transport
	buffers   *buffers
	memory    *semaphore.Weighted // for request bodies
	engineLog *log.Logger         // what httputil.ReverseProxy has to say
	strangers *strangers
}

// New makes a Proxy that stops its requests when pairing or the vault report
// that they must.
func New(cfg Config) (*Proxy, error) {
	if cfg.Pairing == nil || cfg.Ledger == nil || cfg.Vault == nil || cfg.Audit == nil || cfg.Providers == nil {
		return nil, errors.New("opening data plane: Config.Pairing, Ledger, Vault, Audit and Providers are required")
	}
	if cfg.PublicURL == "" || strings.HasSuffix(cfg.PublicURL, "/") {
		return nil, errors.New("opening data plane: Config.PublicURL must be an origin without a trailing slash")
	}
	cfg = cfg.withDefaults()
	p := &Proxy{
		cfg:       cfg,
		running:   newRunning(cfg.MaxRunning),
		transport: newTransport(cfg.Timeouts),
		buffers:   newBuffers(),
		memory:    semaphore.NewWeighted(cfg.MaxBodyMemory),
		engineLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		strangers: newStrangers(),
	}
	cfg.Pairing.Watch(p.changed)
	cfg.Vault.OnLock(func() { p.running.cut(refusalOf(vault.ErrLocked), everyone) })
	return p, nil
}

// changed stops what a change of rights forbids.
func (p *Proxy) changed(c pairing.Change) {
	ofApp := func(e *entry) bool { return c.AppID == "" || e.appID == c.AppID }
	switch c.Kind {
	case pairing.ChangeRevoked:
		p.running.cut(refusalOf(errRevoked), ofApp)
	case pairing.ChangeSuspended:
		p.running.cut(refusalOf(errSuspended), ofApp)
	case pairing.ChangeFrozen:
		p.running.cut(refusalOf(errFrozen), everyone)
	case pairing.ChangeSessionEnded:
		p.running.cut(refusalOf(errRevoked), func(e *entry) bool { return e.sessionID == c.SessionID })
	default: // an unknown change must not leave anything running
		p.running.cut(refusalOf(errRevoked), ofApp)
	}
}

// Running is how many requests are under way, those being drained included.
func (p *Proxy) Running() int { return p.running.count() }

// CutAll stops every running request at once. code is one of the protocol's,
// such as frozen; streams end with an event that carries it.
func (p *Proxy) CutAll(code string) { p.running.cut(refusalWithCode(code), everyone) }

// Drain refuses new requests with 503 shutting_down and waits for the running
// ones. When ctx is done it cuts the rest, gives them a moment for their last
// event, and returns an error that matches ctx.Err().
func (p *Proxy) Drain(ctx context.Context) error {
	drained := p.running.close()
	select {
	case <-drained:
		p.transport.CloseIdleConnections()
		return nil
	case <-ctx.Done():
	}
	p.CutAll("shutting_down")
	grace := time.NewTimer(2 * p.cfg.Timeouts.Cut)
	defer grace.Stop()
	select {
	case <-drained:
	case <-grace.C:
	}
	p.transport.CloseIdleConnections()
	return ctx.Err()
}
