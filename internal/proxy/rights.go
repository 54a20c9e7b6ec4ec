package proxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// rights are what a running exchange was let do, so that it can be decided
// anew when its permission is replaced, and stopped when its key is removed.
//
// mu is held from reading the permission, or the key, to noting it. A change
// is made visible first and reported then: so either the exchange reads what
// is new, or the report finds what it has noted.
type rights struct {
	mu         sync.Mutex
	over       bool
	asked      *policy.Request // as it goes to the provider; nil until decided
	expiry     *time.Timer     // nil: never
	credential string          // id of the key; empty until released
}

// until stops the exchange when its permission ends. mu is held.
func (r *rights) until(end, now time.Time, cancel context.CancelCauseFunc) {
	if r.expiry != nil {
		r.expiry.Stop()
		r.expiry = nil
	}
	if !end.IsZero() && !r.over {
		r.expiry = time.AfterFunc(end.Sub(now), func() { cancel(refusalOf(errExpired)) })
	}
}

// end is for an exchange that nothing can stop any more.
func (r *rights) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over, r.asked = true, nil
	if r.expiry != nil {
		r.expiry.Stop()
	}
}

// judge holds a request against what its app has been granted.
func (p *Proxy) judge(appID string, asked policy.Request) (pairing.Permission, policy.Decision, error) {
	permission, err := p.cfg.Pairing.Permission(appID, asked.Resource)
	if err != nil && !errors.Is(err, pairing.ErrNotGranted) {
		return permission, policy.Decision{}, err
	}
	// Without a permission the document is empty, and an empty document names
	// no resource: the policy says so in its own order and words.
	decision, err := policy.Decide(permission.Document, asked)
	if err == nil && permission.ID == "" {
		err = &policy.Denied{Rule: "resource", Code: policy.CodeResourceNotGranted, Message: "This app has no permission for " + asked.Resource + "."}
	}
	return permission, decision, err
}

// decideAgain stops an exchange that its app's permissions do not allow any
// more. One that runs without an output cap and would now get one cannot be
// given it.
func (p *Proxy) decideAgain(e *entry) {
	e.rights.mu.Lock()
	defer e.rights.mu.Unlock()
	if e.rights.asked == nil {
		return
	}
	now := p.cfg.Clock()
	asked := *e.rights.asked
	asked.Time = now
	permission, decision, err := p.judge(e.appID, asked)
	if err == nil && decision.OutputCap > 0 {
		err = errUncapped
	}
	if err != nil {
		e.cancel(refusalOf(err))
		return
	}
	e.rights.until(permission.Document.ExpiresAt, now, e.cancel)
}

// keyRemoved stops what uses a key that the owner has removed.
func (p *Proxy) keyRemoved(credentialID string) {
	for _, e := range p.running.matching(everyone) {
		e.rights.mu.Lock()
		if e.rights.credential == credentialID {
			e.cancel(refusalOf(errKeyRemoved))
		}
		e.rights.mu.Unlock()
	}
}
