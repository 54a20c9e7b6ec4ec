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

// Bounds on consent requests that have not expired. Those signed with the key
// of their app are counted apart from the others, which anybody can make.
const (
	maxRequestsPerApp = 8
	maxRequests       = 128
)

// ask stores a request for the app in it, approved at once if the pairing
// string said so. What the two flows have in common is filled in here.
func (p *Pairing) ask(request requestRecord, a asked) (*liveRequest, error) {
	defer p.turn()()
	app, err := p.mayAsk(request)
	if err != nil {
		return nil, err
	}
	now := p.now()
	request.AppName, request.AppURI = app.Name, app.URI
	request.Asked, request.Preset, request.Reason = a.documents, presetFor(app.Preset, a.documents), a.reason
	request.CreatedAt, request.ExpiresAt, request.Status = now, now.Add(requestLifetime), RequestPending
	if request.pushed() {
		request.ExpiresAt = now.Add(PushedLife)
	}
	if len(request.defaultGrant()) == 0 {
		return nil, refuse(codeInvalidScope, "say what you ask for, in scope or authorization_details; this gateway has %s", strings.Join(p.resourceIDs(), ", "))
	}
	if request.ID, err = p.newID("ask"); err != nil {
		return nil, err
	}
	if !request.pushed() {
		if request.UserCode, err = p.newUserCode(&p.live); err != nil {
			return nil, err
		}
	}
	r := &liveRequest{interval: pollInterval, record: request}
	if len(request.Preset) > 0 && app.preapproves(request, now) {
		r.interval = approvedInterval
		r.record.Status, r.record.Preapproved = RequestApproved, true
		app.ApproveAsked, app.ApproveKey = true, request.Thumbprint
	}
	return r, p.storeRequest(app, r)
}

// preapproves says whether asking is approved without the owner. An app that
// has shown no key can be told from a stranger only by asking first: its
// client_id is no secret once it has stood in a browser's address bar. So the
// approval goes with the first request, or with the key that one is bound to.
func (a appRecord) preapproves(r requestRecord, now time.Time) bool {
	if !now.Before(a.ApproveUntil) {
		return false
	}
	return a.Thumbprint != "" || !a.ApproveAsked || a.ApproveKey != "" && a.ApproveKey == r.Thumbprint
}

// parseKnown reads what an app asks for and refuses what is not to be had here.
func (p *Pairing) parseKnown(details, scope string) (asked, error) {
	a, err := parseAsked(details, scope, p.now())
	if err != nil {
		return asked{}, err
	}
	for _, d := range a.documents {
		if err := p.known(d); err != nil {
			code := codeInvalidScope
			if details != "" {
				code = codeInvalidDetails
			}
			return asked{}, refuse(code, "%v", err)
		}
	}
	return a, nil
}

// mayAsk returns the app of a request if it may begin it.
func (p *Pairing) mayAsk(request requestRecord) (appRecord, error) {
	app, err := p.live.changeable(request.AppID)
	switch {
	case err != nil:
		return app, refuse(codeInvalidClient, "unknown client_id; pair again with a new pairing string")
	case p.live.state != gatewayRunning:
		return app, unavailable(time.Minute, "the gateway is frozen by its owner")
	case app.Status != AppActive:
		return app, refuse(codeUnauthorized, "this app is suspended by the gateway's owner")
	}
	own, all, now, signed := 0, 0, p.now(), p.live.signed(request)
	for _, r := range p.live.requests {
		if p.live.signed(r.record) != signed || r.expired(now) || r.record.Status == RequestCollected || (r.record.pushed() && r.record.Status == RequestDenied) {
			continue
		}
		all++
		if r.record.AppID == request.AppID {
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

// signed says whether a request comes from the holder of its app's key.
func (l *live) signed(r requestRecord) bool {
	return r.Proven && r.Thumbprint == l.apps[r.AppID].Thumbprint
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
	old, replaced := p.forgettableRequests(), p.live.replaced(permissions)
	err := p.grant(func(tx *store.Tx) error {
		for _, o := range old {
			if err := requestRecords.Delete(tx, o.record.ID); err != nil {
				return err
			}
		}
		return errors.Join(appRecords.Put(tx, app.ID, app), requestRecords.Put(tx, r.record.ID, r.record), putPermissions(tx, permissions))
	}, events...)
	if err != nil {
		return err
	}
	p.publish(func(l *live) {
		for _, o := range old {
			l.dropRequest(o)
		}
		l.apps[app.ID] = app
		l.addRequest(r)
		for _, perm := range permissions {
			l.addPermission(perm)
		}
	})
	p.untold = append(p.untold, replaced)
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
