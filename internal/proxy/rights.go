package proxy

import (
	"errors"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// soonest is how soon a permission that ends by itself is looked at again.
const soonest = 5 * time.Millisecond

// rights are what a running exchange was let do, so that it can be decided
// anew when its permission is replaced, and stopped when its key is removed.
//
// mu is held from reading the permission, or the key, to noting it. A change
// is made visible first and reported then: so either the exchange reads what
// is new, or the report finds what it has noted.
type rights struct {
	mu          sync.Mutex
	over        bool
	decided     bool                // what follows has been
	asked       policy.Request      // as it goes to the provider
	reservation *policy.Reservation // what it holds of the limits
	closer      *closeCount         // of its input; nil once that was used
	counting    bool                // that is being done
	expiry      *time.Timer         // nil: never
	resource    string              // that it is aimed at; empty until then
	pin         string              // label of the key that must serve it; empty for any
	credential  string              // id of the key; empty until released
	label       string              // of that key
}

// granted notes what the exchange was let do. mu is held.
func (r *rights) granted(asked policy.Request, held *policy.Reservation, closer *closeCount) {
	r.decided, r.asked, r.reservation, r.closer, r.counting = true, asked, held, closer, false
}

// until has an exchange decided anew when its permission stops to hold by
// itself. mu of its rights is held.
func (p *Proxy) until(e *entry, end time.Time) {
	r := &e.rights
	if r.expiry != nil {
		r.expiry.Stop()
		r.expiry = nil
	}
	if !end.IsZero() && !r.over {
		r.expiry = time.AfterFunc(max(end.Sub(p.cfg.Clock()), soonest), func() { p.decideAgain(e) })
	}
}

// end is for an exchange that nothing can stop any more.
func (r *rights) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over, r.decided, r.reservation, r.closer = true, false, nil, nil
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
		err = notGranted(asked.Resource)
	}
	return permission, decision, err
}

func notGranted(resource string) error {
	return &policy.Denied{Rule: "resource", Code: policy.CodeResourceNotGranted, Message: "This app has no permission for " + resource + "."}
}

// decideAgain stops an exchange that its app's permissions do not allow any
// more, and moves what it holds under the limits it now has. One that runs
// without an output cap and would now get one cannot be given it.
func (p *Proxy) decideAgain(e *entry) {
	r := &e.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.decided || r.counting {
		return
	}
	now := p.cfg.Clock()
	r.asked.Time = now
	permission, decision, err := p.judge(e.appID, r.asked)
	switch {
	case overInput(err) && r.closer != nil && r.closer.possible():
		r.counting = true
		go p.countAgain(e)
		return
	case err == nil && decision.OutputCap > 0:
		err = errUncapped
	case err == nil && r.pinnedElsewhere(permission.Document.Key):
		err = errPinned
	case err == nil:
		err = r.reservation.Renew(permission.Document)
	}
	if err != nil {
		e.cancel(refusalOf(err))
		return
	}
	r.pin = permission.Document.Key
	p.until(e, permission.Document.Until(now, p.cfg.Zone))
}

// pinnedElsewhere says that what runs is served by another key than the one
// that must. mu is held.
func (r *rights) pinnedElsewhere(label string) bool {
	return label != "" && r.credential != "" && r.label != label
}

// countAgain decides with a close estimate of the input, which takes its time.
func (p *Proxy) countAgain(e *entry) {
	r := &e.rights
	r.mu.Lock()
	count := r.closer
	r.mu.Unlock()
	if count == nil {
		return
	}
	n := count.tokens()
	r.mu.Lock()
	current := r.closer == count && r.decided // and nothing else was decided meanwhile
	if current {
		r.asked.InputTokens = n
		r.closer, r.counting = nil, false
	}
	r.mu.Unlock()
	if current {
		p.decideAgain(e)
	}
}

// providerChanged stops what is sent to a provider that the owner has replaced
// or removed.
func (p *Proxy) providerChanged(id string) {
	for _, e := range p.running.matching(everyone) {
		e.rights.mu.Lock()
		if e.rights.resource == id {
			e.cancel(refusalOf(errProviderChanged))
		}
		e.rights.mu.Unlock()
	}
}

// keyRemoved stops what uses a key that the owner has removed.
func (p *Proxy) keyRemoved(credentialID string) {
	defer p.keys.forget(credentialID)
	for _, e := range p.running.matching(everyone) {
		e.rights.mu.Lock()
		if e.rights.credential == credentialID {
			e.cancel(refusalOf(errKeyRemoved))
		}
		e.rights.mu.Unlock()
	}
}
