// Package owner knows who the owner is: the one-time set-up token, the
// console's sessions, and the local socket for the owner's commands.
//
// It guarantees that a session token is stored only as its hash, ends when
// idle or old, and is sent to no other site; and that nothing but the owner's
// own account, or root, gets a connection on the socket, which is never open
// to others, not even for a moment.
//
// It refuses to take over the socket of a running gateway. It checks no
// passphrase: that is the vault's.
package owner

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// Sentinels of this package.
var (
	ErrNoSession   = errors.New("not signed in: sign in again")
	ErrSetUp       = errors.New("gateway is already set up: sign in")
	ErrSetupToken  = errors.New("set-up link is not valid any more: restart the gateway for a new one")
	ErrNoServer    = errors.New("no gateway is running on this data directory: start it with `gateway serve`")
	ErrSocketInUse = errors.New("another gateway is running on this data directory: stop it first, or choose another with --data")
	ErrSocketPath  = errors.New("path of the data directory is too long for a socket: choose a shorter one with --data")
)

// tokenBytes is the entropy of every token: 256 bits.
const tokenBytes = 32

// Config says what this package stands on.
type Config struct {
	// Store holds console sessions. Required.
	Store *store.Store
	// Clock ages sessions. Default time.Now.
	Clock func() time.Time
	// Rand makes tokens. Default crypto/rand.Reader.
	Rand io.Reader
	// Secure says that browsers reach the console over https: the cookie is
	// then Secure and has the __Host- prefix (RFC 6265bis section 4.1.3).
	Secure bool
	// SetUp reports whether the gateway is set up, after which no set-up token
	// is given out or accepted: the vault's Initialized. Default: never; then
	// only SpendSetupToken ends the token.
	SetUp func() bool
}

// Owner holds the set-up token and the console's sessions. Its methods may be
// called concurrently.
type Owner struct {
	store  *store.Store
	clock  func() time.Time
	rand   io.Reader
	secure bool
	cookie string
	setUp  func() bool

	mu         sync.Mutex
	setupToken string
	sessions   map[string]session // by the token's hash
	owed       map[string]bool    // hashes of ended ones that the store still has
}

// New reads the sessions. Errors: the store's.
func New(cfg Config) (*Owner, error) {
	if cfg.Store == nil {
		return nil, errors.New("opening owner: Config.Store is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.SetUp == nil {
		cfg.SetUp = func() bool { return false }
	}
	o := &Owner{
		store: cfg.Store, clock: cfg.Clock, rand: cfg.Rand, setUp: cfg.SetUp, owed: map[string]bool{},
		secure: cfg.Secure, cookie: cookieName(cfg.Store, cfg.Secure),
	}
	if err := cfg.Store.View(o.load); err != nil {
		return nil, fmt.Errorf("opening owner: %w", err)
	}
	return o, nil
}

// newToken returns 256 random bits in base64url.
func (o *Owner) newToken() (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(o.rand, raw); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}
