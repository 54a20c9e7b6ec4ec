package pairing

import (
	"errors"
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
	// Thumbprint names the key the app is bound to (RFC 7638); empty until it
	// has shown one.
	Thumbprint string    `json:"thumbprint,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	// LastUsedAt is when the app last authenticated; zero when it never did.
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

// Session is one set of tokens, bound to one key.
type Session struct {
	ID         string    `json:"id"`
	AppID      string    `json:"app_id"`
	Thumbprint string    `json:"thumbprint"`
	Address    string    `json:"address,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
}

// Apps returns every app, oldest first, revoked ones included.
func (p *Pairing) Apps() []App { return nil }

// App returns one app. Errors: ErrNoApp.
func (p *Pairing) App(id string) (App, error) { return App{}, ErrNoApp }

// Permissions returns what an app has been granted, ordered by resource; none
// for an unknown app.
func (p *Pairing) Permissions(appID string) []Permission { return nil }

// Permission returns what an app may do with a resource. Errors: ErrNotGranted.
func (p *Pairing) Permission(appID, resource string) (Permission, error) {
	return Permission{}, ErrNotGranted
}

// Sessions returns an app's live sessions, oldest first.
func (p *Pairing) Sessions(appID string) []Session { return nil }

// Active says whether requests of the session may run at this moment: the
// session is live, its app active and the gateway not frozen. Ask again after
// a request has been registered as running, and a change that comes in between
// is not missed.
func (p *Pairing) Active(sessionID string) bool { return false }
