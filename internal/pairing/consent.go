package pairing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// RequestStatus says how far a consent request has come.
type RequestStatus string

// Every status of a consent request. The zero value is none of them.
const (
	// RequestPending requests wait for the owner.
	RequestPending RequestStatus = "pending"
	// RequestApproved requests wait for the app to fetch its tokens.
	RequestApproved RequestStatus = "approved"
	// RequestDenied requests were refused.
	RequestDenied RequestStatus = "denied"
	// RequestCollected requests are over: the app has its tokens.
	RequestCollected RequestStatus = "collected"
)

var (
	// ErrNoRequest says that there is no such consent request, or that it has
	// expired.
	ErrNoRequest = errors.New("no such consent request, or it has expired: see gateway requests")
	// ErrRequestDecided says that the request has been answered before.
	ErrRequestDecided = errors.New("consent request has already been answered")
	// ErrInBrowser says that the request can be approved only where the browser
	// is that has to go back to the app.
	ErrInBrowser = errors.New("this app waits in a browser: approve it there, in the console")
	// ErrGrant says that a document cannot be granted; the text says why.
	ErrGrant = errors.New("cannot be granted")
)

// ConsentRequest is an app asking the owner. AppName, AppURI and Reason are
// the app's own words: untrusted text.
type ConsentRequest struct {
	ID      string `json:"id"`
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	AppURI  string `json:"app_uri,omitzero"`
	// UserCode is what the app shows too, as XXXX-XXXX; empty for a request
	// that comes with the owner's own browser.
	UserCode string `json:"user_code,omitzero"`
	// RedirectURI is where that browser is sent back to with the answer; empty
	// for the device grant.
	RedirectURI string `json:"redirect_uri,omitzero"`
	// Fingerprint is the thumbprint of the key that the request is signed with,
	// for people to compare; empty while it is not, since whoever knows the
	// app's id can ask in its name.
	Fingerprint string `json:"fingerprint,omitzero"`
	// Address is where the request came from.
	Address string            `json:"address,omitzero"`
	Asked   []policy.Document `json:"asked"`
	// Preset is what the owner attached to the pairing string, as far as it
	// was asked for.
	Preset []policy.Document `json:"preset,omitzero"`
	// Reason is why the app asks.
	Reason    string        `json:"reason,omitzero"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	Status    RequestStatus `json:"status"`
}

// Requests returns the consent requests that wait for an answer, oldest first.
// A pushed one waits from when a browser has brought it.
func (p *Pairing) Requests() []ConsentRequest {
	p.mu.RLock()
	defer p.mu.RUnlock()
	now := p.now()
	pending := []ConsentRequest{}
	for _, r := range p.live.requests {
		if r.record.Status == RequestPending && !r.expired(now) && !r.record.unopened() {
			pending = append(pending, r.record.shown())
		}
	}
	slices.SortFunc(pending, func(a, b ConsentRequest) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return pending
}

// Request returns a consent request that has not expired, answered or not.
// Errors: ErrNoRequest.
func (p *Pairing) Request(id string) (ConsentRequest, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	r := p.live.requests[id]
	if r == nil || r.expired(p.now()) {
		return ConsentRequest{}, ErrNoRequest
	}
	return r.record.shown(), nil
}

// RequestByUserCode returns the consent request with that code, typed in any
// case, with or without the dash. Errors: ErrNoRequest.
func (p *Pairing) RequestByUserCode(code string) (ConsentRequest, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	r := p.live.byUserCode(normalUserCode(code))
	if r == nil || r.expired(p.now()) {
		return ConsentRequest{}, ErrNoRequest
	}
	return r.record.shown(), nil
}

// byUserCode finds a request among the few there are.
func (l *live) byUserCode(code string) *liveRequest {
	for _, r := range l.requests {
		if code != "" && r.record.UserCode == code {
			return r
		}
	}
	return nil
}

// shown is the part that the owner sees.
func (r requestRecord) shown() ConsentRequest {
	c := r.ConsentRequest
	if r.Proven {
		c.Fingerprint = dpop.Fingerprint(r.Thumbprint)
	}
	return c
}

func (r *liveRequest) expired(now time.Time) bool { return !now.Before(r.record.ExpiresAt) }

// forgettable says that an app that still polls has been told expired_token
// for long enough.
func (r *liveRequest) forgettable(now time.Time) bool {
	return !now.Before(r.record.ExpiresAt.Add(requestLifetime))
}

// checkGrant checks documents that come from the owner's side.
func (p *Pairing) checkGrant(grant []policy.Document) error {
	if len(grant) < 1 || len(grant) > policy.MaxDocuments {
		return fmt.Errorf("%w: name 1 to %d resources", ErrGrant, policy.MaxDocuments)
	}
	for i, d := range grant {
		if err := d.Validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrGrant, err)
		}
		if err := p.known(d); err != nil {
			return fmt.Errorf("%w: %w", ErrGrant, err)
		}
		if slices.ContainsFunc(grant[:i], func(o policy.Document) bool { return o.Resource == d.Resource }) {
			return fmt.Errorf("%w: %s has two documents", ErrGrant, d.Resource)
		}
	}
	return nil
}

// known says whether a document's resource and actions exist here.
func (p *Pairing) known(d policy.Document) error {
	offered := p.Resources()
	at := slices.IndexFunc(offered, func(r Resource) bool { return r.ID == d.Resource })
	if at < 0 {
		return fmt.Errorf("%s is not a resource of this gateway; it has %s", d.Resource, strings.Join(p.resourceIDs(), ", "))
	}
	resource := offered[at]
	for _, action := range d.Actions {
		if !slices.Contains(resource.Actions, action) {
			return fmt.Errorf("%s has no action %s; it has %s", d.Resource, action, strings.Join(resource.Actions, ", "))
		}
	}
	return nil
}

func (p *Pairing) resourceIDs() []string {
	offered := p.Resources()
	ids := make([]string, 0, len(offered))
	for _, r := range offered {
		ids = append(ids, r.ID)
	}
	return ids
}

func resourceList(documents []policy.Document) string {
	ids := make([]string, 0, len(documents))
	for _, d := range documents {
		ids = append(ids, d.Resource)
	}
	return strings.Join(ids, " ")
}
