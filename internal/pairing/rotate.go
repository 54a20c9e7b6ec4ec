package pairing

import (
	"context"
	"errors"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/store"
)

// KeyRequest gives a session a second key, to change over to.
type KeyRequest struct {
	// Auth is the request as at any protected resource: access token, and a
	// proof by the key that is to go. Method and URL are filled in here.
	Auth AuthRequest
	// Proof is a second proof for the same request, by the key that is to come.
	// It needs no ath: no token is bound to that key yet.
	Proof string
	// Address is where the request came from.
	Address string
}

// AddKey registers the key that a session changes over to. Both keys are good
// until the new one is first used, to renew; from then on the old one and the
// tokens bound to it are worth nothing. Asking again replaces a key that has
// not been used. Errors: *OAuthError.
func (p *Pairing) AddKey(_ context.Context, r KeyRequest) error {
	r.Auth.Proof.Method, r.Auth.Proof.URL = "POST", p.cfg.Issuer+keysPath
	caller, err := p.Authenticate(r.Auth)
	if err != nil {
		return p.Unauthorized(err)
	}
	if r.Proof == "" {
		return refuse(codeInvalidRequest, "proof is required: a second proof for this request, signed by the new key")
	}
	// The nonce in the first proof has shown that the request is of now.
	second, err := p.cfg.Verifier.Verify(dpop.Request{Headers: []string{r.Proof}, Method: r.Auth.Proof.Method, URL: r.Auth.Proof.URL})
	if err != nil {
		return p.oauthError(err)
	}
	return p.oauthError(p.addKey(caller.Session.ID, second.Thumbprint, r.Address))
}

func (p *Pairing) addKey(sessionID, thumbprint, address string) error {
	defer p.turn()()
	s := p.live.sessions[sessionID]
	if s == nil || !p.live.apps[s.record.AppID].Status.known() {
		return p.Unauthorized(ErrInvalidToken) // ended in between
	}
	app := p.live.apps[s.record.AppID]
	next := s.current()
	switch thumbprint {
	case next.Thumbprint:
		return refuse(codeInvalidRequest, "this is the key that the session has already; sign the second proof with the new one")
	case next.NextThumbprint:
		return nil
	}
	next.NextThumbprint = thumbprint
	err := p.grant(func(tx *store.Tx) error { return sessionRecords.Put(tx, next.ID, next) }, audit.Event{
		Kind: audit.SessionKeyAdded, Actor: audit.App, AppID: app.ID, AppName: app.Name,
		SessionID: next.ID, Address: address, Detail: "key " + thumbprint,
	})
	if err == nil {
		p.publish(func(*live) { s.record = next })
	}
	return err
}

// changeOver makes the session's next key its only one, and the app's, if the
// old one was. The caller holds changing.
func (p *Pairing) changeOver(s *liveSession, address string) error {
	next, app := s.current(), p.live.apps[s.record.AppID]
	if app.Thumbprint == next.Thumbprint {
		app.Thumbprint = next.NextThumbprint
	}
	next.Thumbprint, next.NextThumbprint = next.NextThumbprint, ""
	err := p.grant(func(tx *store.Tx) error {
		return errors.Join(sessionRecords.Put(tx, next.ID, next), appRecords.Put(tx, app.ID, app))
	}, audit.Event{
		Kind: audit.SessionKeyRetired, Actor: audit.App, AppID: app.ID, AppName: app.Name,
		SessionID: next.ID, Address: address, Detail: "key " + s.record.Thumbprint,
	})
	if err == nil {
		p.publish(func(l *live) { s.record, l.apps[app.ID] = next, app })
	}
	return err
}

// boundTo says whether a key may renew the session.
func (s *liveSession) boundTo(thumbprint string) bool {
	return thumbprint != "" && (s.record.Thumbprint == thumbprint || s.record.NextThumbprint == thumbprint)
}
