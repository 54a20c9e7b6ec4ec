// Package owner knows who the owner is: set-up token, console sessions, the
// local admin socket.
package owner

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// Sentinels of this package.
var (
	ErrNoSession   = errors.New("not signed in: sign in again")
	ErrSetUp       = errors.New("gateway is already set up: sign in")
	ErrSetupToken  = errors.New("set-up link is not valid: restart the gateway for a new one")
	ErrNoServer    = errors.New("no gateway is running: start it with `gateway serve`")
	ErrSocketInUse = errors.New("another gateway is running on this data directory: stop it first")
)

// Config says what this package stands on.
type Config struct {
	// Store holds console sessions. Required.
	Store *store.Store
	// Clock ages sessions. Default time.Now.
	Clock func() time.Time
	// Rand makes tokens. Default crypto/rand.Reader.
	Rand io.Reader
	// Secure says that the console is served over https: the cookie is then
	// Secure and has the __Host- prefix (RFC 6265bis section 4.1.3.2).
	Secure bool
	// SetUp reports whether the gateway is set up; then no set-up token is
	// given out or accepted. Usually the vault's Initialized. Default: never.
	SetUp func() bool
}

// Owner holds the console's sessions. Its methods may be called concurrently.
type Owner struct{}

// New loads the sessions.
func New(Config) (*Owner, error) { return &Owner{}, nil }

// SetupToken returns this process's set-up token.
func (o *Owner) SetupToken() (string, error) { return "", ErrSetUp }

// CheckSetupToken reports whether token is the set-up token.
func (o *Owner) CheckSetupToken(token string) bool { return false }

// SpendSetupToken ends the token.
func (o *Owner) SpendSetupToken(token string) error { return ErrSetupToken }

// StartSession begins a console session.
func (o *Owner) StartSession() (string, error) { return "", nil }

// Session checks a session token and notes its use.
func (o *Owner) Session(token string) error { return ErrNoSession }

// EndSession ends one session.
func (o *Owner) EndSession(token string) error { return nil }

// EndAllSessions ends every session.
func (o *Owner) EndAllSessions() error { return nil }

// Cookie carries a session token; the empty token clears it.
func (o *Owner) Cookie(token string) *http.Cookie { return &http.Cookie{} }

// Token returns the session token of a request, "" when it has none.
func (o *Owner) Token(r *http.Request) string { return "" }

// ListenSocket opens the admin socket in dir.
func ListenSocket(dir string) (net.Listener, error) { return nil, ErrSocketInUse }

// DialSocket connects to the gateway running on dir.
func DialSocket(ctx context.Context, dir string) (net.Conn, error) { return nil, ErrNoServer }
