package pairing

import (
	"cmp"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// maxSessionsPerApp bounds an app's live sessions; one more ends the one that
// was unused for longest.
const maxSessionsPerApp = 32

// collect answers a poll with a device code (RFC 8628 section 3.4). An
// approved request becomes exactly one session, however many polls come at
// once.
func (p *Pairing) collect(t TokenRequest, thumbprint string) (TokenResponse, error) {
	if t.DeviceCode == "" {
		return TokenResponse{}, refuse(codeInvalidRequest, "device_code is required")
	}
	defer p.turn()()
	r := p.live.device[hashOf(t.DeviceCode)]
	now := p.now()
	if err := p.mayCollect(r, t, thumbprint, now); err != nil {
		return TokenResponse{}, err
	}
	if r.record.Thumbprint == "" || r.record.Status == RequestPending && !r.record.Proven {
		if err := p.bind(r, thumbprint); err != nil {
			return TokenResponse{}, err
		}
	}
	app := p.live.apps[t.ClientID]
	// A frozen gateway or a suspended app gets no session; the app just goes
	// on waiting, since both can end before the request does.
	if r.record.Status == RequestPending || p.live.state != gatewayRunning || app.Status != AppActive {
		return TokenResponse{}, r.pace(now)
	}
	return p.openSession(app, r, t.Address, now)
}

// mayCollect says why a poll with this code and key gets nothing, now or ever.
func (p *Pairing) mayCollect(r *liveRequest, t TokenRequest, thumbprint string, now time.Time) error {
	switch {
	case r == nil || r.record.AppID != t.ClientID || r.record.Status == RequestCollected:
		return refuse(codeInvalidGrant, "this device_code is unknown or already used; ask again")
	case r.record.Thumbprint != "" && r.record.Thumbprint != thumbprint:
		return p.keyFits(r, thumbprint)
	case r.record.Status == RequestDenied:
		return refuse(codeAccessDenied, "the gateway's owner said no")
	case r.expired(now):
		return refuse(codeExpired, "nobody answered in time; ask again")
	}
	return p.keyFits(r, thumbprint)
}

// keyFits says why a key gets no session out of a request.
func (p *Pairing) keyFits(r *liveRequest, thumbprint string) error {
	app := p.live.apps[r.record.AppID]
	switch {
	case r.record.Thumbprint != "" && r.record.Thumbprint != thumbprint:
		return refuse(codeInvalidGrant, "this code is bound to another key; use the key that asked")
	case app.Thumbprint != "" && app.Thumbprint != thumbprint:
		return refuse(codeInvalidGrant, "this app is bound to another key; use that one, or pair again with a new pairing string")
	case r.record.Preapproved && app.ApproveUntil.IsZero():
		// Approval on redemption is for one session. Without this, a client_id,
		// which is no secret, would be enough to ask for another.
		return refuse(codeInvalidGrant, "the approval that came with the pairing string is used up; ask again")
	}
	return nil
}

// bind ties a request to the first key that polls for it, and notes that it
// did.
func (p *Pairing) bind(r *liveRequest, thumbprint string) error {
	next := r.record
	next.Thumbprint, next.Proven = thumbprint, true
	err := p.update(func(tx *store.Tx) error { return requestRecords.Put(tx, next.ID, next) })
	if err != nil {
		return err
	}
	p.publish(func(*live) { r.record = next })
	return nil
}

// pace answers a poll that came before the owner's answer. Polling faster than
// asked adds 5 seconds (RFC 8628 section 3.5); a second's grace keeps network
// jitter from counting as that.
func (r *liveRequest) pace(now time.Time) error {
	early := !r.polled.IsZero() && now.Before(r.polled.Add(r.interval-time.Second))
	r.polled = now
	if !early {
		return refuse(codePending, "the gateway's owner has not answered yet")
	}
	r.interval = min(r.interval+pollInterval, time.Minute)
	return refuse(codeSlowDown, "wait %d seconds between two polls", int64(r.interval/time.Second))
}

// openSession makes the session of an approved request.
func (p *Pairing) openSession(app appRecord, r *liveRequest, address string, now time.Time) (TokenResponse, error) {
	id, err := p.newID("ses")
	if err != nil {
		return TokenResponse{}, err
	}
	refreshToken, err := p.newSecret()
	if err != nil {
		return TokenResponse{}, err
	}
	s := newLiveSession(sessionRecord{
		Status: sessionLive, RefreshHash: hashOf(refreshToken),
		Session: Session{
			ID: id, AppID: app.ID, Thumbprint: r.record.Thumbprint, Address: address, CreatedAt: now, LastUsedAt: now,
		},
	})
	response, err := p.tokenResponse(s.record, refreshToken, now)
	if err != nil {
		return TokenResponse{}, err
	}
	app.Thumbprint = r.record.Thumbprint
	app.Preset, app.ApproveUntil = nil, time.Time{}
	next := r.record
	next.Status = RequestCollected
	return response, p.storeSession(app, r, next, s)
}

func (p *Pairing) storeSession(app appRecord, r *liveRequest, next requestRecord, s *liveSession) error {
	events := []audit.Event{{
		Kind: audit.SessionCreated, Actor: audit.App, AppID: app.ID, AppName: app.Name,
		SessionID: s.record.ID, Address: s.record.Address,
	}}
	var ended []Change
	dead := p.live.surplusSessions(app.ID, s.record.CreatedAt)
	for _, d := range dead {
		ended = append(ended, Change{Kind: ChangeSessionEnded, AppID: app.ID, SessionID: d.record.ID})
		events = append(events, audit.Event{
			Kind: audit.SessionRevoked, Actor: audit.Gateway, AppID: app.ID, AppName: app.Name,
			SessionID: d.record.ID, Detail: "unused for longest of too many, or for 30 days",
		})
	}
	err := p.grant(func(tx *store.Tx) error {
		for _, d := range dead {
			if err := sessionRecords.Delete(tx, d.record.ID); err != nil {
				return err
			}
		}
		if err := appRecords.Put(tx, app.ID, app); err != nil {
			return err
		}
		if err := requestRecords.Put(tx, next.ID, next); err != nil {
			return err
		}
		return sessionRecords.Put(tx, s.record.ID, s.record)
	}, events...)
	if err != nil {
		return err
	}
	p.publish(func(l *live) {
		for _, d := range dead {
			l.dropSession(d)
		}
		l.apps[app.ID] = app
		r.record = next
		l.addSession(s)
	})
	p.untold = append(p.untold, ended...)
	return nil
}

// surplusSessions are an app's sessions that have to go before another is
// made: those that are over, and the ones unused for longest when there are
// too many.
func (l *live) surplusSessions(appID string, now time.Time) []*liveSession {
	all := l.appSessions(appID)
	slices.SortFunc(all, func(a, b *liveSession) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	var dead []*liveSession
	for i, s := range all {
		if s.idle(now) || len(all)-i >= maxSessionsPerApp {
			dead = append(dead, s)
		}
	}
	return dead
}
