package pairing

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

// Bounds on consent requests that have not expired.
const (
	maxRequestsPerApp = 8
	maxRequests       = 128
)

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
