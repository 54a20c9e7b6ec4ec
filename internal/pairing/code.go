package pairing

import (
	"crypto/subtle"
	"strings"
	"time"
)

// exchangeCode answers an authorization code (RFC 6749 section 4.1.3). It is
// good once, for the app and the redirect URI it was made for, the verifier of
// its challenge (RFC 7636 section 4.6) and the key that asked, if one did.
func (p *Pairing) exchangeCode(t TokenRequest, thumbprint string) (TokenResponse, error) {
	if t.Code == "" || t.RedirectURI == "" || t.CodeVerifier == "" {
		return TokenResponse{}, refuse(codeInvalidRequest, "code, redirect_uri and code_verifier are required")
	}
	defer p.turn()()
	r := p.live.codes[hashOf(t.Code)]
	now := p.now()
	if err := p.mayExchange(r, t, thumbprint, now); err != nil {
		return TokenResponse{}, err
	}
	app := p.live.apps[t.ClientID]
	if p.live.state != gatewayRunning || app.Status != AppActive {
		return TokenResponse{}, unavailable(10*time.Second, "the gateway is frozen or the app suspended by the owner")
	}
	if r.record.Thumbprint == "" {
		if err := p.bind(r, thumbprint); err != nil {
			return TokenResponse{}, err
		}
	}
	return p.openSession(app, r, t.Address, now)
}

// mayExchange says why a code gets nothing. A code that has been used is only
// refused: ending its session too would let whoever saw the code end it, and
// without verifier and key the code is worth nothing.
func (p *Pairing) mayExchange(r *liveRequest, t TokenRequest, thumbprint string, now time.Time) error {
	switch {
	case r == nil || r.record.AppID != t.ClientID || r.record.Status != RequestApproved || r.expired(now):
		return refuse(codeInvalidGrant, "this code is unknown, expired or already used; start again")
	case r.record.RedirectURI != t.RedirectURI:
		return refuse(codeInvalidGrant, "redirect_uri is not the one the code was asked for")
	case !isVerifier(t.CodeVerifier) || subtle.ConstantTimeCompare([]byte(hashOf(t.CodeVerifier)), []byte(r.record.Pushed.Challenge)) != 1:
		return refuse(codeInvalidGrant, "code_verifier does not belong to the code_challenge")
	}
	return p.keyFits(r, thumbprint)
}

// isVerifier holds a code_verifier to RFC 7636 section 4.1.
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 &&
		strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") == ""
}
