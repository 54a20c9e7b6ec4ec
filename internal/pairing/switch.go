package pairing

import (
	"errors"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// ErrNotRecorded says that a change which takes rights away has been made, but
// not recorded as it should be: the audit log could not be written, or the
// store, in which case it holds only until the gateway restarts. Both are
// tried again, at once when the change is asked for again, and after a while
// even when not.
var ErrNotRecorded = errors.New("done, but not recorded")

// errNotStored marks the worse of the two.
var errNotStored = errors.New("it holds until the gateway restarts")

// ChangeKind says what has been taken away, or may have been.
type ChangeKind string

// Every kind of change that Watch reports.
const (
	ChangeRevoked      ChangeKind = "revoked"
	ChangeSuspended    ChangeKind = "suspended"
	ChangeFrozen       ChangeKind = "frozen"
	ChangeSessionEnded ChangeKind = "session_ended"
	// ChangePermission says that permissions of an app have been replaced by
	// others, which may allow less.
	ChangePermission ChangeKind = "permission"
)

// Change tells a watcher whose requests must stop now, or be decided anew.
type Change struct {
	Kind ChangeKind
	// AppID is empty when the change is about all apps.
	AppID string
	// SessionID is set for ChangeSessionEnded.
	SessionID string
}

// Watch registers fn. It is called synchronously, after the new state is
// visible to every check and before the method that made the change returns;
// what takes rights away calls it before anything is written. No lock is held,
// so it may call the Pairing.
func (p *Pairing) Watch(fn func(Change)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers = append(slices.Clone(p.watchers), fn)
}

// Suspend refuses an app until it is resumed and stops its requests. Errors:
// ErrNoApp, ErrAppRevoked, ErrNotRecorded.
func (p *Pairing) Suspend(id string) error {
	return p.takeAway(func(l *live) (*loss, error) {
		app, err := l.changeable(id)
		if err != nil || app.Status == AppSuspended {
			return nil, err
		}
		app.Status = AppSuspended
		return &loss{
			publish: func(l *live) { l.apps[id] = app },
			app:     id,
			event:   audit.Event{Kind: audit.AppSuspended, Actor: audit.Owner, AppID: id, AppName: app.Name},
			change:  Change{Kind: ChangeSuspended, AppID: id},
		}, nil
	})
}

// Resume lets a suspended app work again. Errors: ErrNoApp, ErrAppRevoked,
// audit.ErrUnavailable.
func (p *Pairing) Resume(id string) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	app, err := p.live.changeable(id)
	if err != nil || app.Status == AppActive {
		return err
	}
	app.Status = AppActive
	err = p.grant(func(tx *store.Tx) error { return appRecords.Put(tx, id, app) },
		audit.Event{Kind: audit.AppResumed, Actor: audit.Owner, AppID: id, AppName: app.Name})
	if err != nil {
		return err
	}
	p.publish(func(l *live) { l.apps[id] = app })
	return nil
}

// Revoke ends an app for good: its sessions and open consent requests go with
// it. Errors: ErrNoApp, ErrNotRecorded. Revoking twice is no error.
func (p *Pairing) Revoke(id string) error {
	return p.takeAway(func(l *live) (*loss, error) {
		app, err := l.changeable(id)
		if errors.Is(err, ErrAppRevoked) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		app = l.used(id)
		app.Status, app.Preset, app.ApproveUntil = AppRevoked, nil, time.Time{}
		sessions, requests := l.appSessions(id), l.appRequests(id)
		return &loss{
			publish: func(l *live) {
				l.apps[id] = app
				for _, s := range sessions {
					l.dropSession(s)
				}
				for _, r := range requests {
					l.dropRequest(r)
				}
			},
			app: id, sessions: sessions, requests: requests,
			event:  audit.Event{Kind: audit.AppRevoked, Actor: audit.Owner, AppID: id, AppName: app.Name},
			change: Change{Kind: ChangeRevoked, AppID: id},
		}, nil
	})
}

// appRequests are an app's consent requests, in no order.
func (l *live) appRequests(appID string) []*liveRequest {
	var of []*liveRequest
	for _, r := range l.requests {
		if r.record.AppID == appID {
			of = append(of, r)
		}
	}
	return of
}

// Freeze refuses every app until Thaw and stops all requests. Errors:
// ErrNotRecorded.
func (p *Pairing) Freeze() error {
	return p.takeAway(func(l *live) (*loss, error) {
		if l.state == gatewayFrozen {
			return nil, nil
		}
		return &loss{
			publish: func(l *live) { l.state = gatewayFrozen },
			gateway: true,
			event:   audit.Event{Kind: audit.GatewayFrozen, Actor: audit.Owner},
			change:  Change{Kind: ChangeFrozen},
		}, nil
	})
}

// Thaw ends a freeze. Errors: audit.ErrUnavailable.
func (p *Pairing) Thaw() error {
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.live.state == gatewayRunning {
		return nil
	}
	err := p.grant(func(tx *store.Tx) error {
		return gatewayRecords.Put(tx, gatewayKey, gatewayRecord{State: gatewayRunning})
	}, audit.Event{Kind: audit.GatewayThawed, Actor: audit.Owner})
	if err != nil {
		return err
	}
	p.publish(func(l *live) { l.state = gatewayRunning })
	return nil
}

// Frozen says whether the gateway is frozen. Anything but an explicit
// "running" is.
func (p *Pairing) Frozen() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.frozen()
}

// frozen is Frozen for callers that hold mu.
func (p *Pairing) frozen() bool { return p.live.state != gatewayRunning || p.halts.frozen() }
