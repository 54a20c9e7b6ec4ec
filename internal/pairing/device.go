package pairing

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

const (
	// requestLifetime is how long a consent request can be answered.
	requestLifetime = 10 * time.Minute
	// pollInterval is how long an app waits between two polls (RFC 8628
	// section 3.5), or before the first when the answer is there already.
	pollInterval     = 5 * time.Second
	approvedInterval = time.Second

	// Bounds on consent requests that have not expired.
	maxRequestsPerApp = 8
	maxRequests       = 128
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

// ask stores the request, approved at once if the pairing string said so.
func (p *Pairing) ask(r DeviceRequest, a asked, thumbprint string) (DeviceResponse, error) {
	deviceCode, err := p.newSecret()
	if err != nil {
		return DeviceResponse{}, err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	app, err := p.mayAsk(r.ClientID)
	if err != nil {
		return DeviceResponse{}, err
	}
	now := p.now()
	request := &liveRequest{interval: pollInterval, record: requestRecord{
		DeviceHash: hashOf(deviceCode), Thumbprint: thumbprint,
		ConsentRequest: ConsentRequest{
			AppID: app.ID, AppName: app.Name, AppURI: app.URI, Address: r.Address,
			Asked: a.documents, Preset: presetFor(app.Preset, a.documents), Reason: a.reason,
			CreatedAt: now, ExpiresAt: now.Add(requestLifetime), Status: RequestPending,
		},
	}}
	if len(request.record.defaultGrant()) == 0 {
		return DeviceResponse{}, refuse(codeInvalidScope, "say what you ask for, in scope or authorization_details; this gateway has %s", strings.Join(p.resourceIDs(), ", "))
	}
	if request.record.ID, err = p.newID("ask"); err != nil {
		return DeviceResponse{}, err
	}
	if request.record.UserCode, err = p.newUserCode(&p.live); err != nil {
		return DeviceResponse{}, err
	}
	if len(request.record.Preset) > 0 && now.Before(app.ApproveUntil) {
		request.interval = approvedInterval
		request.record.Status, request.record.Preapproved = RequestApproved, true
	}
	if err := p.storeRequest(app, request); err != nil {
		return DeviceResponse{}, err
	}
	return p.deviceResponse(deviceCode, request), nil
}

// mayAsk returns the app if it may begin another consent request.
func (p *Pairing) mayAsk(appID string) (appRecord, error) {
	app, err := p.live.changeable(appID)
	switch {
	case err != nil:
		return app, refuse(codeInvalidClient, "unknown client_id; pair again with a new pairing string")
	case p.live.state != gatewayRunning:
		return app, unavailable(time.Minute, "the gateway is frozen by its owner")
	case app.Status != AppActive:
		return app, refuse(codeUnauthorized, "this app is suspended by the gateway's owner")
	}
	own, all, now := 0, 0, p.now()
	for _, r := range p.live.requests {
		if r.expired(now) || r.record.Status == RequestCollected {
			continue
		}
		all++
		if r.record.AppID == appID {
			own++
		}
	}
	if own >= maxRequestsPerApp || all >= maxRequests {
		e := unavailable(time.Minute, "too many requests wait for the gateway's owner; finish one or wait until they expire")
		e.Status = http.StatusTooManyRequests
		return app, e
	}
	return app, nil
}

// presetFor is the part of a preset that was asked for; all of it when the app
// did not say what it wants.
func presetFor(preset, asked []policy.Document) []policy.Document {
	if len(asked) == 0 {
		return preset
	}
	var matching []policy.Document
	for _, d := range preset {
		if slices.ContainsFunc(asked, func(a policy.Document) bool { return a.Resource == d.Resource }) {
			matching = append(matching, d)
		}
	}
	return matching
}

func (p *Pairing) storeRequest(app appRecord, r *liveRequest) error {
	events := []audit.Event{{
		Kind: audit.ConsentAsked, Actor: audit.App, AppID: app.ID, AppName: app.Name,
		Address: r.record.Address, Detail: resourceList(r.record.defaultGrant()),
	}}
	var permissions []Permission
	if r.record.Status == RequestApproved {
		var err error
		if permissions, err = p.newPermissions(app.ID, r.record.Preset); err != nil {
			return err
		}
		events = append(events, approvals(app, permissions, r.record.Address, "approved when the pairing string was made")...)
	}
	old := p.forgettableRequests()
	err := p.grant(func(tx *store.Tx) error {
		for _, o := range old {
			if err := requestRecords.Delete(tx, o.record.ID); err != nil {
				return err
			}
		}
		return errors.Join(requestRecords.Put(tx, r.record.ID, r.record), putPermissions(tx, permissions))
	}, events...)
	if err != nil {
		return err
	}
	p.publish(func(l *live) {
		for _, o := range old {
			l.dropRequest(o)
		}
		l.addRequest(r)
		for _, perm := range permissions {
			l.addPermission(perm)
		}
	})
	return nil
}

func (p *Pairing) forgettableRequests() []*liveRequest {
	var old []*liveRequest
	for _, r := range p.live.requests {
		if r.forgettable(p.now()) {
			old = append(old, r)
		}
	}
	return old
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
