package pairing

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

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
	// Proof describes the request and carries its DPoP header. AccessToken is
	// filled in here.
	Proof dpop.Request
	// BodySum takes the place of Proof.BodySum for whoever must know whose body
	// it is before reading it; optional. Its errors are returned wrapped.
	BodySum func(*Caller) ([sha256.Size]byte, error)
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
// ErrNoCredentials, ErrInvalidToken, ErrUseNonce, dpop.ErrInvalidProof,
// dpop.ErrReplayFull.
//
// Whoever holds a token without its key learns nothing about it. The proof is
// checked first, as far as the token has no say in it; then a token that is
// unknown, over, expired or bound to another key is one and the same refusal,
// after the same work.
func (p *Pairing) Authenticate(r AuthRequest) (*Caller, error) {
	token, err := boundToken(r.Authorization)
	if err != nil {
		return nil, err
	}
	known := p.signer.tokens.get(token)
	if r.Proof.AccessToken = token; known != nil {
		r.Proof.TokenHash = known.hash
	}
	proof, err := p.cfg.Verifier.Check(r.Proof)
	if err != nil {
		return nil, err
	}
	if err := p.checkNonce(proof.Nonce); err != nil {
		return nil, err
	}
	now := p.now()
	caller, s, err := p.bearer(token, known, proof.Thumbprint, now)
	if err != nil {
		if known != nil { // then catch up with a token that is not known
			_ = dpop.TokenHash(token)
			_, _ = p.signer.open(token)
		}
		return nil, err
	}
	bodySum := r.Proof.BodySum
	if r.BodySum != nil {
		bodySum = func() ([sha256.Size]byte, error) { return r.BodySum(caller) }
	}
	if err := p.cfg.Verifier.Accept(proof, bodySum); err != nil {
		return nil, err
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
	case errors.Is(err, ErrUseNonce):
		return challenge("DPoP", codeUseNonce, useNonce)
	case errors.Is(err, dpop.ErrInvalidProof):
		return challenge("DPoP", codeInvalidProof, description)
	}
	return p.oauthError(err)
}

// bearer says whom a token, of which the cache has been asked, stands for when
// it comes from the holder of a key.
func (p *Pairing) bearer(token string, known *knownToken, thumbprint string, now time.Time) (*Caller, *liveSession, error) {
	c, err := p.signer.current(token, known, now)
	if err != nil {
		return nil, nil, err
	}
	return p.caller(c, thumbprint)
}

// caller looks up whom a token names, in memory. A session cannot be idle for
// long enough to matter here: its tokens expire long before.
func (p *Pairing) caller(c *claims, thumbprint string) (*Caller, *liveSession, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.live.sessions[c.SessionID]
	if s == nil {
		return nil, nil, fmt.Errorf("%w: session is over", ErrInvalidToken)
	}
	app := p.live.apps[s.record.AppID].App
	app.Status = p.halts.status(app)
	if s.record.AppID != c.ClientID || !app.Status.known() || p.halts.ended(app.ID, c.SessionID) {
		return nil, nil, fmt.Errorf("%w: app is revoked", ErrInvalidToken)
	}
	if s.record.Thumbprint != c.Confirm.Thumbprint || c.Confirm.Thumbprint != thumbprint {
		return nil, nil, fmt.Errorf("%w: bound to another key", ErrInvalidToken)
	}
	return &Caller{App: app, Session: s.record.Session}, s, nil
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
	if len(token) > maxAccessTokenBytes {
		return "", fmt.Errorf("%w: too long", ErrInvalidToken)
	}
	return token, nil
}
