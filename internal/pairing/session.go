package pairing

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/store"
)

// IdleExpiry is how long a session lives without being used.
const IdleExpiry = 30 * 24 * time.Hour

// usedGrain is how exactly the store knows when a session was last used.
const usedGrain = time.Minute

// Session is one set of tokens, bound to one key.
type Session struct {
	ID    string `json:"id"`
	AppID string `json:"app_id"`
	// Thumbprint names the key the tokens are bound to (RFC 7638).
	Thumbprint string `json:"thumbprint"`
	// NextThumbprint names the key that takes its place when it is first used;
	// empty while none has been registered.
	NextThumbprint string    `json:"next_thumbprint,omitzero"`
	Address        string    `json:"address,omitzero"` // where it was made from
	CreatedAt      time.Time `json:"created_at"`
	LastUsedAt     time.Time `json:"last_used_at"`
}

// Fingerprint is the thumbprint for people to compare.
func (s Session) Fingerprint() string { return dpop.Fingerprint(s.Thumbprint) }

// Sessions returns an app's live sessions, oldest first.
func (p *Pairing) Sessions(appID string) []Session {
	p.mu.RLock()
	defer p.mu.RUnlock()
	now := p.now()
	sessions := []Session{}
	for _, s := range p.live.appSessions(appID) {
		if !s.idle(now) {
			sessions = append(sessions, s.current().Session)
		}
	}
	slices.SortFunc(sessions, func(a, b Session) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return sessions
}

// ErrNoSession says that no live session has that id.
var ErrNoSession = errors.New("no such session, or it is over: see gateway session list")

// Session returns one live session. Errors: ErrNoSession.
func (p *Pairing) Session(id string) (Session, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.live.sessions[id]
	if s == nil || s.idle(p.now()) {
		return Session{}, ErrNoSession
	}
	return s.current().Session, nil
}

// Active says whether requests of the session may run at this moment: the
// session is live, its app active and the gateway not frozen. Ask again after
// a request has been registered as running, and a change that comes in between
// is not missed.
func (p *Pairing) Active(sessionID string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.live.sessions[sessionID]
	if s == nil || p.frozen() || p.halts.ended(s.record.AppID, sessionID) {
		return false
	}
	return p.halts.status(p.live.apps[s.record.AppID].App) == AppActive
}

// EndSession ends one session; one that is not live is no error. Errors:
// ErrNotRecorded.
func (p *Pairing) EndSession(sessionID string) error {
	return p.endSession(sessionID, audit.Owner, "")
}

func (p *Pairing) endSession(id string, by audit.Actor, detail string) error {
	return p.takeAway(func(l *live) (*loss, error) {
		s := l.sessions[id]
		if s == nil {
			return nil, nil
		}
		app := l.used(s.record.AppID)
		return &loss{
			publish: func(l *live) { l.apps[app.ID] = app; l.dropSession(s) },
			app:     app.ID, sessions: []*liveSession{s},
			event: audit.Event{
				Kind: audit.SessionRevoked, Actor: by, AppID: app.ID, AppName: app.Name, SessionID: id, Detail: detail,
			},
			change: Change{Kind: ChangeSessionEnded, AppID: app.ID, SessionID: id},
		}, nil
	})
}

// keepUsed stores when the session was last used, at most once a minute. Apps
// renew every few minutes, so this is all that is ever lost. The caller holds
// changing.
func (p *Pairing) keepUsed(s *liveSession, now time.Time) error {
	s.touch(now)
	if now.Sub(s.record.LastUsedAt) < usedGrain {
		return nil
	}
	next := s.current()
	err := p.update(func(tx *store.Tx) error { return sessionRecords.Put(tx, next.ID, next) })
	if err != nil {
		return err
	}
	p.publish(func(*live) { s.record = next })
	return nil
}

// used returns an app with the time of last use that its live sessions know.
func (l *live) used(appID string) appRecord {
	app := l.apps[appID]
	for _, s := range l.appSessions(appID) {
		if at := time.Unix(s.used.Load(), 0).UTC(); at.After(app.LastUsedAt) {
			app.LastUsedAt = at
		}
	}
	return app
}
