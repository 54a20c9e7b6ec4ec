package pairing

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// The error codes that the OAuth endpoints answer with.
const (
	codeInvalidRequest   = "invalid_request"           // RFC 6749 section 5.2, as the next four
	codeInvalidClient    = "invalid_client"            //
	codeInvalidGrant     = "invalid_grant"             //
	codeInvalidScope     = "invalid_scope"             //
	codeUnsupportedGrant = "unsupported_grant_type"    //
	codeUnauthorized     = "unauthorized_client"       //
	codeUnsupportedReply = "unsupported_response_type" // RFC 6749 section 4.1.2.1
	codeInvalidToken     = "invalid_token"             // RFC 6750 section 3.1
	codeInvalidMetadata  = "invalid_client_metadata"   // RFC 7591 section 3.2.2, as the next
	codeInvalidRedirect  = "invalid_redirect_uri"
	codeInvalidDetails   = "invalid_authorization_details" // RFC 9396 section 5
	codeInvalidProof     = "invalid_dpop_proof"            // RFC 9449 section 12.2
	codeUseNonce         = "use_dpop_nonce"                // RFC 9449 section 8
	codeNoRequestObject  = "request_not_supported"         // OpenID Connect Core section 3.1.2.6
	codePending          = "authorization_pending"         // RFC 8628 section 3.5, as the next three
	codeSlowDown         = "slow_down"
	codeAccessDenied     = "access_denied"
	codeExpired          = "expired_token"
	codeUnavailable      = "temporarily_unavailable" // RFC 6749 section 4.1.2.1
	codeServerError      = "server_error"
)

const useNonce = "put the nonce of this answer's DPoP-Nonce header into a new proof and try again"

// OAuthError is an error answer of an OAuth endpoint (RFC 6749 section 5.2 and
// the RFCs that add codes). Everything in it may be shown to the caller.
type OAuthError struct {
	// Status is the HTTP status.
	Status int
	// Code is the registered error code.
	Code string
	// Description says what to do next.
	Description string
	// RetryAfter is when to try again; zero when that would not help.
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate value of a 401; else empty.
	Challenge string
}

func (e *OAuthError) Error() string { return e.Code + ": " + e.Description }

// refuse makes a 400. The description is brought into the characters that RFC
// 6749 section 5.2 allows, since parts of it may be the caller's own text.
func refuse(code, format string, args ...any) *OAuthError {
	text := strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, fmt.Sprintf(format, args...))
	return &OAuthError{Status: http.StatusBadRequest, Code: code, Description: text}
}

func unavailable(after time.Duration, format string, args ...any) *OAuthError {
	e := refuse(codeUnavailable, format, args...)
	e.Status, e.RetryAfter = http.StatusServiceUnavailable, after
	return e
}

// oauthError turns whatever went wrong into an answer. What the caller cannot
// help goes to the log and is not explained.
func (p *Pairing) oauthError(err error) error {
	if known, ok := errors.AsType[*OAuthError](err); ok {
		return known
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, audit.ErrUnavailable):
		return unavailable(10*time.Second, "the gateway cannot write its audit log at the moment; try again later")
	case errors.Is(err, dpop.ErrReplayFull):
		return unavailable(10*time.Second, "too many proofs at the moment; try again later")
	case errors.Is(err, ErrUseNonce):
		return refuse(codeUseNonce, useNonce)
	case errors.Is(err, dpop.ErrInvalidProof):
		p.cfg.Log.Debug("proof refused", "error", err)
		return refuse(codeInvalidProof, "the DPoP proof is not good for this request; make a new one for each request and check the clock")
	}
	p.cfg.Log.Error("answering an app", "error", err)
	e := refuse(codeServerError, "the gateway could not do this; its log says why")
	e.Status = http.StatusInternalServerError
	return e
}
