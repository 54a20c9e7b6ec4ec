package pairing

import "context"

// DeviceRequest is a device authorization request (RFC 8628 section 3.1).
type DeviceRequest struct {
	ClientID string
	// AuthorizationDetails is the JSON array of RFC 9396, or empty.
	AuthorizationDetails string
	// Scope is the short form: resource ids separated by spaces.
	Scope string
	// DPoPJKT is the thumbprint of the key the tokens shall be bound to, or
	// empty (as RFC 9449 section 10).
	DPoPJKT string
	// Proofs holds every value of the DPoP header; may be empty.
	Proofs []string
	// Address is where the request came from.
	Address string
}

// DeviceResponse is the answer (RFC 8628 section 3.2).
type DeviceResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"` // seconds
	Interval                int64  `json:"interval"`   // seconds between polls
}

// AskDevice begins a consent request. Errors: *OAuthError.
func (p *Pairing) AskDevice(ctx context.Context, r DeviceRequest) (DeviceResponse, error) {
	return DeviceResponse{}, &OAuthError{}
}
