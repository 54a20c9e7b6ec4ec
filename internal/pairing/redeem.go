package pairing

import "context"

// RedeemRequest is a client registration (RFC 7591) with a pairing code as its
// initial access token.
type RedeemRequest struct {
	// Authorization holds every value of the Authorization header.
	Authorization []string
	// Proofs holds every value of the DPoP header.
	Proofs []string
	// Metadata is the JSON client metadata.
	Metadata []byte
	// Address is where the request came from.
	Address string
}

// Registration is what has been registered (RFC 7591 section 3.2.1).
type Registration struct {
	ClientID                string   `json:"client_id"`
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"` // seconds since the epoch
	ClientName              string   `json:"client_name"`
	ClientURI               string   `json:"client_uri,omitzero"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	DPoPBoundAccessTokens   bool     `json:"dpop_bound_access_tokens"`
}

// Redeem turns a pairing string into an app. Errors: *OAuthError.
func (p *Pairing) Redeem(ctx context.Context, r RedeemRequest) (Registration, error) {
	return Registration{}, &OAuthError{}
}
