package pairing

import (
	"errors"

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
}

// Caller is who a request comes from. The app is active or suspended.
type Caller struct {
	App     App
	Session Session
}

// Authenticate checks access token and proof (RFC 9449 section 7). It does no
// disk I/O. Errors: ErrNoCredentials, ErrInvalidToken, dpop.ErrInvalidProof,
// dpop.ErrReplayFull.
func (p *Pairing) Authenticate(r AuthRequest) (Caller, error) { return Caller{}, ErrNoCredentials }
