package pairing

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// ErrNoPushed says that an authorization request was not pushed, by this app,
// a moment ago; the browser that brought it must not be sent anywhere.
var ErrNoPushed = errors.New("this link is not good any more: go back to the app and start again")

// AuthorizeRequest is what a browser brings to the authorization endpoint (RFC
// 9126 section 4).
type AuthorizeRequest struct {
	ClientID   string
	RequestURI string
}

// Opened says how a request that a browser brought goes on.
type Opened struct {
	// RequestID is the consent request to put before the owner; empty when
	// Redirect is set.
	RequestID string
	// Redirect is where the browser goes at once: the owner has approved when
	// the pairing string was made.
	Redirect string
}

// Open puts a pushed request before the owner. It may be called again while
// the request_uri is good, for a browser that reloads; a code is given out
// once. Errors: ErrNoPushed, audit.ErrUnavailable.
func (p *Pairing) Open(_ context.Context, a AuthorizeRequest) (Opened, error) {
	code, err := p.newSecret()
	if err != nil {
		return Opened{}, err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	now := p.now()
	r, err := p.live.openable(a, now)
	if err != nil {
		return Opened{}, err
	}
	if r.record.Status == RequestPending && !r.record.unopened() {
		return Opened{RequestID: r.record.ID}, nil
	}
	next := r.record
	next.Pushed.OpenedAt, next.ExpiresAt = now, now.Add(requestLifetime)
	opened := Opened{RequestID: next.ID}
	if next.Status == RequestApproved {
		next.issue(code, now)
		opened = Opened{Redirect: p.codeAnswer(next, code)}
	}
	if err := p.update(func(tx *store.Tx) error { return requestRecords.Put(tx, next.ID, next) }); err != nil {
		return Opened{}, err
	}
	p.publish(func(l *live) { r.record = next; l.addRequest(r) })
	return opened, nil
}

// openable finds the request that a browser brings.
func (l *live) openable(a AuthorizeRequest, now time.Time) (*liveRequest, error) {
	secret, ok := strings.CutPrefix(a.RequestURI, requestURIPrefix)
	r := l.pushed[hashOf(secret)]
	switch {
	case !ok || r == nil || r.record.AppID != a.ClientID:
		return nil, ErrNoPushed
	case !now.Before(r.record.CreatedAt.Add(PushedLife)) || r.expired(now):
		return nil, ErrNoPushed
	case r.record.Status == RequestPending:
		return r, nil
	case r.record.Status == RequestApproved && r.record.Preapproved && r.record.Pushed.CodeHash == "":
		return r, nil
	}
	return nil, ErrNoPushed
}

// issue answers a pushed request with a code.
func (r *requestRecord) issue(code string, now time.Time) {
	r.Pushed.CodeHash, r.ExpiresAt = hashOf(code), now.Add(CodeLife)
}
