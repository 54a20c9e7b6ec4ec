package pairing

import (
	"context"
	"net/url"
	"slices"
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
	app, err := p.clientFor(r.ClientID, GrantDeviceCode)
	if err != nil {
		return DeviceResponse{}, err
	}
	asked, err := p.parseKnown(r.AuthorizationDetails, r.Scope)
	if err != nil {
		return DeviceResponse{}, err
	}
	thumbprint, err := p.askerKey(app, r.DPoPJKT, r.Proof, devicePath)
	if err != nil {
		return DeviceResponse{}, err
	}
	deviceCode, err := p.newSecret()
	if err != nil {
		return DeviceResponse{}, p.oauthError(err)
	}
	request, err := p.ask(requestRecord{
		DeviceHash: hashOf(deviceCode), Thumbprint: thumbprint, Proven: len(r.Proof.Headers) > 0,
		ConsentRequest: ConsentRequest{AppID: app.ID, Address: r.Address},
	}, asked)
	if err != nil {
		return DeviceResponse{}, p.oauthError(err)
	}
	return p.deviceResponse(deviceCode, request), nil
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

// clientFor returns the app of a client_id if it has registered a grant.
func (p *Pairing) clientFor(id, grant string) (appRecord, error) {
	app, err := p.client(id)
	if err == nil && !slices.Contains(app.GrantTypes, grant) {
		err = refuse(codeUnauthorized, "this app has not registered the grant %s", grant)
	}
	return app, err
}

// askerKey is the thumbprint of the key that may collect the tokens: the one
// the app registered with, or the one it shows or names now. Empty leaves it
// to whoever first exchanges the code.
func (p *Pairing) askerKey(app appRecord, named string, proof dpop.Request, path string) (string, error) {
	thumbprint := named
	if thumbprint != "" && !isDigest(thumbprint) {
		return "", refuse(codeInvalidRequest, "dpop_jkt must be a SHA-256 thumbprint, base64url without padding (RFC 7638)")
	}
	if len(proof.Headers) > 0 {
		shown, err := p.verifyProof(proof, path)
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

// isDigest says whether text can be a SHA-256, base64url without padding.
func isDigest(text string) bool {
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
