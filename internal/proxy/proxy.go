// Package proxy is the data plane: it takes an app's request through the
// gateway to a provider and brings the answer back.
//
//	route ─▶ authenticate ─▶ register ─▶ describe ─▶ recall ─▶ decide, reserve ─▶ announce ─▶ release key
//	                                                                                              │
//	      end: settle, audit, history ◀── meter, grow ◀── stream or body ◀── forward ◀────────────┘
//
// It guarantees that nothing reaches a provider before the app, its proof, its
// permission and its limits have been checked and the audit log has taken a
// line about it; that method, URL, headers and credential of the upstream
// request are the gateway's own; that no event of a stream is forwarded which
// the limits have no room for; that what a provider reports is charged even
// when the client has gone, and what it does not report is estimated; that a
// request which its client repeats under an Idempotency-Key is one request; and
// that a revocation, a suspension, a freeze, a lock, the end of a permission or
// of its hours, a stricter permission or the removal of the key stops what is
// running, streams with a last error event.
//
// It refuses protocol upgrades, follows no redirect, sends no header that is
// not on the provider's list in either direction, and never shows a provider's
// key: not in answers, errors, logs or the audit log.
package proxy

import (
	"context"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
)

// Proxy is the data plane of one gateway. It is safe for concurrent use.
type Proxy struct {
	cfg       Config
	running   *running
	aside     *aside
	transport transports
	buffers   *buffers
	memory    *memory // for request bodies
	disk      *memory // for those that are too large for it
	denials   *denials
	attempts  *attempts
	failures  *failures
	retries   *retries
	keys      *keyring
}

// New makes a Proxy that stops its requests when pairing or the vault report
// that they must.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p := &Proxy{
		cfg:       cfg,
		running:   newRunning(cfg.MaxRunning, cfg.MaxAppRunning),
		aside:     newAside(cfg.Log),
		transport: newTransports(cfg.Timeouts),
		buffers:   newBuffers(),
		memory:    newMemory(cfg.MaxBodyMemory, cfg.MaxAppBodyMemory),
		disk:      newMemory(cfg.MaxSpoolBytes, max(cfg.MaxSpoolBytes/4, cfg.MaxUploadBytes)),
		denials:   newDenials(),
		attempts:  newAttempts(),
		failures:  newFailures(),
		retries:   newRetries(maxRetries, maxAppRetries),
		keys:      newKeyring(cfg.Clock, cfg.pick),
	}
	cfg.Pairing.Watch(p.changed)
	cfg.Vault.OnLock(func() { p.running.cut(refusalOf(vault.ErrLocked), everyone) })
	cfg.Vault.OnRemove(p.keyRemoved)
	cfg.Providers.Watch(p.providerChanged)
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
		p.running.cut(refusalOf(errEnded), func(e *entry) bool { return e.sessionID == c.SessionID })
	case pairing.ChangePermission:
		for _, e := range p.running.matching(ofApp) {
			p.decideAgain(e)
		}
	default: // an unknown change must not leave anything running
		p.running.cut(refusalOf(errEnded), ofApp)
	}
}

// Running is how many requests are under way, those being drained included.
func (p *Proxy) Running() int { return p.running.count() }

// KeyHealth tells how each provider key that was used has fared, by its id.
func (p *Proxy) KeyHealth() map[string]vault.Health { return p.keys.health() }

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
		p.transport.closeIdle()
		return nil
	case <-ctx.Done():
	}
	p.CutAll(codeShuttingDown)
	grace := time.NewTimer(2 * p.cfg.Timeouts.Cut)
	defer grace.Stop()
	select {
	case <-drained:
	case <-grace.C:
	}
	p.transport.closeIdle()
	return ctx.Err()
}
