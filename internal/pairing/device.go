package pairing

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

const (
	// requestLifetime is how long a consent request can be answered.
	requestLifetime = 10 * time.Minute
	// pollInterval is how long an app waits between two polls (RFC 8628
	// section 3.5), or before the first when the answer is there already.
	pollInterval     = 5 * time.Second
	approvedInterval = time.Second
)

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
	// Proof carries the DPoP header, if any: Headers and BodySum. The rest is
	// filled in here.
	Proof dpop.Request
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
func (p *Pairing) AskDevice(_ context.Context, r DeviceRequest) (DeviceResponse, error) {
	app, err := p.client(r.ClientID)
	if err != nil {
		return DeviceResponse{}, err
	}
	asked, err := parseAsked(r.AuthorizationDetails, r.Scope, p.now())
	if err != nil {
		return DeviceResponse{}, err
	}
	for _, d := range asked.documents {
		if err := p.known(d); err != nil {
			code := codeInvalidScope
			if r.AuthorizationDetails != "" {
				code = codeInvalidDetails
			}
			return DeviceResponse{}, refuse(code, "%v", err)
		}
	}
	thumbprint, err := p.askerKey(app, r)
	if err != nil {
		return DeviceResponse{}, err
	}
	response, err := p.ask(r, asked, thumbprint)
	return response, p.oauthError(err)
}

// client returns the app of a client_id. Unknown and revoked ones are told the
// same.
func (p *Pairing) client(id string) (appRecord, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if id == "" {
		return appRecord{}, refuse(codeInvalidRequest, "client_id is required: it is what registration answered")
	}
	app, ok := p.live.apps[id]
	if !ok || !app.Status.known() {
		return appRecord{}, refuse(codeInvalidClient, "unknown client_id; pair again with a new pairing string")
	}
	return app, nil
}

// askerKey is the thumbprint of the key that may collect the tokens: the one
// the app registered with, or the one it shows or names now. Empty leaves it
// to the first poll.
func (p *Pairing) askerKey(app appRecord, r DeviceRequest) (string, error) {
	thumbprint := r.DPoPJKT
	if thumbprint != "" && !isThumbprint(thumbprint) {
		return "", refuse(codeInvalidRequest, "dpop_jkt must be a SHA-256 thumbprint, base64url without padding (RFC 7638)")
	}
	if len(r.Proof.Headers) > 0 {
		shown, err := p.verifyProof(r.Proof, devicePath)
		if err != nil {
			return "", err
		}
		if thumbprint != "" && thumbprint != shown {
			return "", refuse(codeInvalidProof, "dpop_jkt names another key than the one of the proof")
		}
		thumbprint = shown
	}
	if app.Thumbprint == "" || thumbprint == app.Thumbprint {
		return thumbprint, nil
	}
	if thumbprint != "" {
		return "", refuse(codeInvalidProof, "this app is bound to another key; use that one, or pair again with a new pairing string")
	}
	return app.Thumbprint, nil
}

func isThumbprint(text string) bool {
	return len(text) == 43 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func (p *Pairing) deviceResponse(deviceCode string, r *liveRequest) DeviceResponse {
	page := p.cfg.Issuer + consentPath
	return DeviceResponse{
		DeviceCode:              deviceCode,
		UserCode:                r.record.UserCode,
		VerificationURI:         page,
		VerificationURIComplete: page + "?user_code=" + url.QueryEscape(r.record.UserCode),
		ExpiresIn:               int64(requestLifetime / time.Second),
		Interval:                int64(r.interval / time.Second),
	}
}
