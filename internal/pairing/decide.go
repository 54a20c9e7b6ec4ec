package pairing

import (
	"errors"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

// Approve grants a request of the device grant. A nil grant means the preset's documents for what
// was asked, or what was asked when there are none. Documents are stored as
// given; one without ExpiresAt never ends. Errors: ErrNoRequest,
// ErrRequestDecided, ErrInBrowser, ErrGrant, ErrAppRevoked,
// audit.ErrUnavailable.
func (p *Pairing) Approve(id string, grant []policy.Document) error {
	_, err := p.approve(id, grant, "")
	return err
}

// ApproveInBrowser grants a request of either flow, as Approve does, for an
// owner who sits at a browser. It returns where to send that browser: back to
// the app with a code (RFC 6749 section 4.1.2), or nowhere for the device
// grant. Errors: as Approve, except for ErrInBrowser.
func (p *Pairing) ApproveInBrowser(id string, grant []policy.Document) (redirect string, err error) {
	code, err := p.newSecret()
	if err != nil {
		return "", err
	}
	record, err := p.approve(id, grant, code)
	if err != nil || !record.pushed() {
		return "", err
	}
	return p.codeAnswer(record, code), nil
}

// approve grants a request and gives a pushed one its code.
func (p *Pairing) approve(id string, grant []policy.Document, code string) (requestRecord, error) {
	defer p.turn()()
	r, err := p.live.undecided(id, p.now())
	if err != nil {
		return requestRecord{}, err
	}
	app, err := p.live.changeable(r.record.AppID)
	if err != nil {
		return requestRecord{}, err
	}
	next := r.record
	next.Status = RequestApproved
	if next.pushed() {
		if code == "" {
			return requestRecord{}, ErrInBrowser
		}
		next.issue(code, p.now())
	}
	return next, p.storeApproval(app, r, next, grant)
}

// storeApproval makes the permissions of a grant. The caller holds changing.
func (p *Pairing) storeApproval(app appRecord, r *liveRequest, next requestRecord, grant []policy.Document) error {
	if grant == nil {
		grant = r.record.defaultGrant()
	}
	if err := p.checkGrant(grant); err != nil {
		return err
	}
	// The owner has now answered for this app: a preset no longer stands in
	// for the answer to its next request.
	app.Preset, app.ApproveUntil = nil, time.Time{}
	permissions, err := p.newPermissions(app.ID, grant)
	if err != nil {
		return err
	}
	replaced := p.live.replaced(permissions)
	err = p.grant(func(tx *store.Tx) error {
		return errors.Join(
			appRecords.Put(tx, app.ID, app),
			requestRecords.Put(tx, next.ID, next),
			putPermissions(tx, permissions),
		)
	}, approvals(app, permissions, r.record.Address, "")...)
	if err != nil {
		return err
	}
	p.publish(func(l *live) {
		l.apps[app.ID] = app
		r.record = next
		l.addRequest(r)
		for _, perm := range permissions {
			l.addPermission(perm)
		}
	})
	p.untold = append(p.untold, replaced)
	return nil
}

// Deny refuses a request. Errors: ErrNoRequest, ErrRequestDecided,
// ErrNotRecorded.
func (p *Pairing) Deny(id string) error {
	return p.takeAway(func(l *live) (*loss, error) {
		r, err := l.undecided(id, p.now())
		if err != nil {
			return nil, err
		}
		next := r.record
		next.Status = RequestDenied
		return &loss{
			publish:  func(*live) { r.record = next },
			requests: []*liveRequest{r},
			event: audit.Event{
				Kind: audit.ConsentDenied, Actor: audit.Owner, AppID: next.AppID, AppName: next.AppName,
				Detail: resourceList(next.defaultGrant()),
			},
		}, nil
	})
}

// DenyInBrowser refuses a request for an owner who sits at a browser, and
// returns where to send that browser: back to the app with the refusal (RFC
// 6749 section 4.1.2.1), or nowhere for the device grant. Errors: as Deny.
func (p *Pairing) DenyInBrowser(id string) (redirect string, err error) {
	p.mu.RLock()
	r, err := p.live.undecided(id, p.now())
	var record requestRecord
	if err == nil {
		record = r.record
	}
	p.mu.RUnlock()
	if err == nil {
		err = p.Deny(id)
	}
	if err != nil || !record.pushed() {
		return "", err
	}
	return p.errorAnswer(record, codeAccessDenied, "the gateway's owner said no"), nil
}

// undecided returns a request that can be answered.
func (l *live) undecided(id string, now time.Time) (*liveRequest, error) {
	r := l.requests[id]
	if r == nil || r.expired(now) || r.record.unopened() {
		return nil, ErrNoRequest
	}
	if r.record.Status != RequestPending {
		return nil, ErrRequestDecided
	}
	return r, nil
}

// defaultGrant is what saying yes without further words grants.
func (r requestRecord) defaultGrant() []policy.Document {
	if len(r.Preset) > 0 {
		return r.Preset
	}
	return r.Asked
}

// newPermissions makes the permissions of a grant. One for a resource that the
// app has already keeps its id and age: counters go by the id, and asking
// again must not reset them.
func (p *Pairing) newPermissions(appID string, grant []policy.Document) ([]Permission, error) {
	permissions := make([]Permission, 0, len(grant))
	for _, d := range grant {
		perm, has := p.live.permissions[appID][d.Resource]
		if !has {
			id, err := p.newID("per")
			if err != nil {
				return nil, err
			}
			perm = Permission{ID: id, AppID: appID, CreatedAt: p.now()}
		}
		perm.Document = d
		permissions = append(permissions, perm)
	}
	return permissions, nil
}

// replaced says whose permissions these take the place of; zero when they are
// all new. They are of one app.
func (l *live) replaced(permissions []Permission) Change {
	for _, perm := range permissions {
		if _, has := l.permissions[perm.AppID][perm.Document.Resource]; has {
			return Change{Kind: ChangePermission, AppID: perm.AppID}
		}
	}
	return Change{}
}

func putPermissions(tx *store.Tx, permissions []Permission) error {
	for _, perm := range permissions {
		if err := permissionRecords.Put(tx, perm.ID, perm); err != nil {
			return err
		}
	}
	return nil
}

// approvals are the audit events of a grant, one for each permission.
func approvals(app appRecord, permissions []Permission, address, detail string) []audit.Event {
	events := make([]audit.Event, 0, len(permissions))
	for _, perm := range permissions {
		events = append(events, audit.Event{
			Kind: audit.ConsentApproved, Actor: audit.Owner, AppID: app.ID, AppName: app.Name,
			PermissionID: perm.ID, Resource: perm.Document.Resource, Address: address, Detail: detail,
		})
	}
	return events
}
