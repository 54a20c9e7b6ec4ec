package pairing

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/store"
)

// RedeemRequest is a client registration (RFC 7591) with a pairing code as its
// initial access token.
type RedeemRequest struct {
	// Authorization holds every value of the Authorization header.
	Authorization []string
	// Proof carries the DPoP header, if any: Headers and BodySum. The rest is
	// filled in here.
	Proof dpop.Request
	// Metadata is the JSON client metadata.
	Metadata []byte
	// Address is where the request came from.
	Address string
}

// Redeem turns a pairing string into an app. A code that is unknown, expired
// or redeemed before is 401 invalid_token, all with the same words; bad
// metadata does not use the code up. Errors: *OAuthError.
func (p *Pairing) Redeem(_ context.Context, r RedeemRequest) (Registration, error) {
	scheme, code, err := initialToken(r.Authorization)
	if err != nil {
		return Registration{}, err
	}
	// A look before the transaction keeps guesses from queueing for it.
	if err := p.cfg.Store.View(func(tx *store.Tx) error {
		_, err := p.openString(tx, scheme, code)
		return err
	}); err != nil {
		return Registration{}, p.oauthError(err)
	}
	registration, err := parseClientMetadata(r.Metadata)
	if err != nil {
		return Registration{}, err
	}
	thumbprint, err := p.redeemerKey(scheme, code, r.Proof)
	if err != nil {
		return Registration{}, err
	}
	registration, err = p.register(scheme, code, thumbprint, registration, r.Address)
	return registration, p.oauthError(err)
}

// register is the one transaction in which a code goes from open to redeemed.
func (p *Pairing) register(scheme, code, thumbprint string, r Registration, address string) (Registration, error) {
	id, err := p.newID("app")
	if err != nil {
		return Registration{}, err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.live.state != gatewayRunning {
		return Registration{}, unavailable(time.Minute, "the gateway is frozen by its owner; the pairing string stays good until it expires")
	}
	now := p.now()
	r.ClientID, r.ClientIDIssuedAt = id, now.Unix()
	app := appRecord{App: App{
		ID: id, Name: r.ClientName, URI: r.ClientURI, Status: AppActive, Thumbprint: thumbprint, CreatedAt: now,
		GrantTypes: r.GrantTypes, RedirectURIs: r.RedirectURIs,
	}}
	err = p.grant(func(tx *store.Tx) error {
		s, err := p.openString(tx, scheme, code)
		if err != nil {
			return err
		}
		s.Status, s.AppID = stringRedeemed, id
		app.Preset = s.Preset
		if s.Approve {
			app.ApproveUntil = now.Add(requestLifetime)
		}
		return errors.Join(stringRecords.Put(tx, hashOf(code), s), appRecords.Put(tx, id, app))
	}, audit.Event{Kind: audit.StringRedeemed, Actor: audit.App, AppID: id, AppName: app.Name, Address: address})
	if err != nil {
		return Registration{}, err
	}
	p.publish(func(l *live) {
		l.apps[id] = app
		delete(l.offered, hashOf(code))
	})
	return r, nil
}

// openString returns the record of a code that can be redeemed now.
func (p *Pairing) openString(tx *store.Tx, scheme, code string) (stringRecord, error) {
	s, err := stringRecords.Get(tx, hashOf(code))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	if err != nil || s.Status != stringOpen || !p.now().Before(s.ExpiresAt) {
		return s, challenge(scheme, codeInvalidToken, "this pairing string is unknown, expired or already used; ask the gateway's owner for a new one")
	}
	return s, nil
}

// initialToken takes scheme and code from the Authorization header.
func initialToken(headers []string) (scheme, code string, err error) {
	if len(headers) == 0 {
		return "", "", challenge("", codeInvalidToken, "send the code of the pairing string as initial access token: Authorization: Bearer, or DPoP with a proof")
	}
	scheme, code, _ = strings.Cut(headers[0], " ")
	for _, known := range []string{"Bearer", "DPoP"} {
		if len(headers) == 1 && strings.EqualFold(scheme, known) && len(code) > 0 && len(code) <= 128 {
			return known, code, nil
		}
	}
	return "", "", challenge("Bearer", codeInvalidToken, "the initial access token must be the code of a pairing string, sent once as Bearer or DPoP")
}

// redeemerKey is the thumbprint of the key the app shows while registering;
// empty when it shows none. A proof that is there must be good, whatever the
// scheme.
func (p *Pairing) redeemerKey(scheme, code string, proof dpop.Request) (string, error) {
	if scheme == "DPoP" {
		proof.AccessToken = code // the proof names the code (RFC 9449 section 4.3, ath)
	} else if len(proof.Headers) == 0 {
		return "", nil
	}
	thumbprint, err := p.verifyProof(proof, registerPath)
	if refused, ok := errors.AsType[*OAuthError](err); ok && (refused.Code == codeInvalidProof || refused.Code == codeUseNonce) {
		return "", challenge("DPoP", refused.Code, refused.Description)
	}
	return thumbprint, err
}

// verifyProof checks a proof for POST to one of the endpoints here. The URL is
// the configured one, never what the request says of itself.
func (p *Pairing) verifyProof(r dpop.Request, path string) (thumbprint string, err error) {
	r.Method, r.URL = http.MethodPost, p.cfg.Issuer+path
	proof, err := p.cfg.Verifier.Check(r)
	if err == nil {
		err = p.checkNonce(proof.Nonce)
	}
	if err == nil {
		err = p.cfg.Verifier.Accept(proof, r.BodySum)
	}
	if err != nil {
		return "", p.oauthError(err)
	}
	return proof.Thumbprint, nil
}

// challenge is a 401 (RFC 6750 section 3, RFC 9449 section 7.1). Without a
// scheme nothing was shown, and the challenge names no error.
func challenge(scheme, code, description string) *OAuthError {
	e := refuse(code, "%s", description)
	e.Status = http.StatusUnauthorized
	switch scheme {
	case "":
		e.Challenge = `Bearer realm="keywicket", DPoP algs="` + dpop.Algorithms + `"`
	case "DPoP":
		e.Challenge = `DPoP error="` + code + `", algs="` + dpop.Algorithms + `"`
	default:
		e.Challenge = scheme + ` error="` + code + `"`
	}
	return e
}
