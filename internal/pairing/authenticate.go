package pairing

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

var (
	// ErrNoCredentials says that the request carries none.
	ErrNoCredentials = errors.New("no credentials")
	// ErrInvalidToken covers every access token that is not good here; what
	// follows it in the text is for the gateway's own log, not for the caller.
	ErrInvalidToken = errors.New("invalid access token")
)

// AuthRequest is what one request at a protected resource shows.
type AuthRequest struct {
	// Authorization holds every value of the Authorization header.
	Authorization []string
	// Proof describes the request and carries its DPoP header. AccessToken
	// and Thumbprint are filled in here.
	Proof dpop.Request
	// BodySum takes the place of Proof.BodySum for whoever must know whose body
	// it is before reading it; optional. Its errors are returned wrapped.
	BodySum func(Caller) ([sha256.Size]byte, error)
}

// Caller is who a request comes from. The app is active or suspended.
type Caller struct {
	App     App
	Session Session
	// BodyBound says that the proof names the body that came with it.
	BodyBound bool
}

// Authenticate checks access token and proof (RFC 9449 section 7). It does no
// disk I/O, except for the proof's journal when a clock runs ahead. Errors:
// ErrNoCredentials, ErrInvalidToken, dpop.ErrInvalidProof, dpop.ErrReplayFull.
func (p *Pairing) Authenticate(r AuthRequest) (Caller, error) {
	token, err := boundToken(r.Authorization)
	if err != nil {
		return Caller{}, err
	}
	now := p.now()
	claims, err := p.signer.verify(token, now)
	if err != nil {
		return Caller{}, err
	}
	caller, s, err := p.caller(claims)
	if err != nil {
		return Caller{}, err
	}
	r.Proof.AccessToken, r.Proof.Thumbprint = token, caller.Session.Thumbprint
	if r.BodySum != nil {
		r.Proof.BodySum = func() ([sha256.Size]byte, error) { return r.BodySum(caller) }
	}
	proof, err := p.cfg.Verifier.Verify(r.Proof)
	if err != nil {
		return Caller{}, err
	}
	caller.BodyBound = proof.BodyHash != ""
	s.touch(now)
	return caller, nil
}

// Unauthorized is what a protected resource of this gateway's own answers when
// Authenticate failed: the same for every way to fail (RFC 9449 section 7.1).
// Errors of other kinds become what OAuth endpoints answer.
func (p *Pairing) Unauthorized(err error) error {
	const description = "authentication failed: sign each request with the app's key and a current access token; if that does not help, pair the app again"
	switch {
	case errors.Is(err, ErrNoCredentials):
		e := challenge("DPoP", codeInvalidToken, description)
		e.Challenge = `DPoP algs="` + dpop.Algorithms + `"` // nothing was shown: no error code
		return e
	case errors.Is(err, ErrInvalidToken):
		return challenge("DPoP", codeInvalidToken, description)
	case errors.Is(err, dpop.ErrInvalidProof):
		return challenge("DPoP", codeInvalidProof, description)
	}
	return p.oauthError(err)
}

// caller looks up whom a token names, in memory. A session cannot be idle for
// long enough to matter here: its tokens expire long before.
func (p *Pairing) caller(c claims) (Caller, *liveSession, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.live.sessions[c.SessionID]
	if s == nil {
		return Caller{}, nil, fmt.Errorf("%w: session is over", ErrInvalidToken)
	}
	app := p.live.apps[s.record.AppID].App
	app.Status = p.halts.status(app)
	if s.record.AppID != c.ClientID || !app.Status.known() || p.halts.ended(app.ID, c.SessionID) {
		return Caller{}, nil, fmt.Errorf("%w: app is revoked", ErrInvalidToken)
	}
	if s.record.Thumbprint != c.Confirm.Thumbprint {
		return Caller{}, nil, fmt.Errorf("%w: session has another key", ErrInvalidToken)
	}
	return Caller{App: app, Session: s.record.Session}, s, nil
}

// boundToken takes the access token from the Authorization header. A bound
// token sent as Bearer is refused like any other bad one (RFC 9449 section 7.2).
func boundToken(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", ErrNoCredentials
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "DPoP") || token == "" {
		return "", fmt.Errorf("%w: want one Authorization header with scheme DPoP", ErrInvalidToken)
	}
	return token, nil
}
