package pairing

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// AppStatus says whether an app may work.
type AppStatus string

// Every status of an app. The zero value is none of them.
const (
	// AppActive apps do what their permissions allow.
	AppActive AppStatus = "active"
	// AppSuspended apps are known but refused until the owner resumes them.
	AppSuspended AppStatus = "suspended"
	// AppRevoked apps are over; there is no way back.
	AppRevoked AppStatus = "revoked"
)

// known says whether the app can authenticate.
func (s AppStatus) known() bool { return s == AppActive || s == AppSuspended }

var (
	// ErrNoApp says that no app has that id.
	ErrNoApp = errors.New("no such app: see gateway app list")
	// ErrAppRevoked says that a revoked app cannot be changed.
	ErrAppRevoked = errors.New("app is revoked: pair it again with a new pairing string")
	// ErrNotGranted says that the app has no permission for the resource.
	ErrNotGranted = errors.New("resource is not granted to this app")
)

// App is a registered app. Name and URI are the app's own words: untrusted
// text, though free of control and invisible characters.
type App struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	URI    string    `json:"uri,omitzero"`
	Status AppStatus `json:"status"`
	// GrantTypes are the ways in which the app may get tokens.
	GrantTypes []string `json:"grant_types"`
	// RedirectURIs are where a browser may be sent back to with an answer.
	RedirectURIs []string `json:"redirect_uris,omitzero"`
	// Thumbprint names the key the app is bound to (RFC 7638); empty until it
	// has shown one.
	Thumbprint string    `json:"thumbprint,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	// LastUsedAt is when the app last used a session; zero when it never did.
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// Permission is what one app may do with one resource. Its ID stays the same
// when the owner grants the resource to the app anew, so that what was spent
// stays spent.
type Permission struct {
	ID        string          `json:"id"`
	AppID     string          `json:"app_id"`
	Document  policy.Document `json:"document"`
	CreatedAt time.Time       `json:"created_at"`
}

// Apps returns every app, oldest first, revoked ones included.
func (p *Pairing) Apps() []App {
	p.mu.RLock()
	defer p.mu.RUnlock()
	apps := make([]App, 0, len(p.live.apps))
	for id := range p.live.apps {
		apps = append(apps, p.app(id))
	}
	slices.SortFunc(apps, func(a, b App) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return apps
}

// App returns one app. Errors: ErrNoApp.
func (p *Pairing) App(id string) (App, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if _, ok := p.live.apps[id]; !ok {
		return App{}, ErrNoApp
	}
	return p.app(id), nil
}

// app is an app as it stands. The caller holds mu.
func (p *Pairing) app(id string) App {
	app := p.live.used(id).App
	app.Status = p.halts.status(app)
	return app
}

// Permissions returns what an app has been granted, ordered by resource; none
// for an unknown app. A revoked app's are kept for the record.
func (p *Pairing) Permissions(appID string) []Permission {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.live.appPermissions(appID)
}

// Permission returns what an app that is not revoked may do with a resource.
// Errors: ErrNotGranted.
func (p *Pairing) Permission(appID, resource string) (Permission, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	perm, has := p.live.permissions[appID][resource]
	if !has || !p.live.apps[appID].Status.known() {
		return Permission{}, ErrNotGranted
	}
	return perm, nil
}

// changeable returns an app that is not revoked.
func (l *live) changeable(id string) (appRecord, error) {
	app, ok := l.apps[id]
	if !ok {
		return appRecord{}, ErrNoApp
	}
	if !app.Status.known() {
		return appRecord{}, ErrAppRevoked
	}
	return app, nil
}
