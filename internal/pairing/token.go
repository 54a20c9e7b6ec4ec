package pairing

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
)

// TokenRequest is a request at the token endpoint.
type TokenRequest struct {
	GrantType    string
	ClientID     string
	DeviceCode   string
	RefreshToken string
	Scope        string
	// Proofs holds every value of the DPoP header.
	Proofs []string
	// Address is where the request came from.
	Address string
}

// TokenResponse is a successful answer (RFC 6749 section 5.1, RFC 9396
// section 7).
type TokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	// Scope and AuthorizationDetails say what is granted, which may be less
	// than was asked.
	Scope                string           `json:"scope"`
	AuthorizationDetails []jsontext.Value `json:"authorization_details"`
}

// Token exchanges a device code or a refresh token. Errors: *OAuthError.
func (p *Pairing) Token(ctx context.Context, r TokenRequest) (TokenResponse, error) {
	return TokenResponse{}, &OAuthError{}
}

// RevokeRequest is a token revocation request (RFC 7009).
type RevokeRequest struct {
	ClientID string
	// Token is a refresh or an access token.
	Token string
}

// RevokeToken ends the session the token belongs to. A token that is unknown
// or over is no error (RFC 7009 section 2.2). Errors: *OAuthError.
func (p *Pairing) RevokeToken(ctx context.Context, r RevokeRequest) error { return &OAuthError{} }
