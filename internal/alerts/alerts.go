// Package alerts tells the owner what they would want to know without looking:
// that an app came near a limit or reached it, or is being refused again and
// again. Alerts stay on a board until they are dismissed, and go to one
// webhook if the owner named one.
//
// It guarantees that raising an alert waits for nothing, that board, queue and
// every delivery are bounded in number, size, attempts and time, that a
// message is signed as Standard Webhooks says (webhook-id, webhook-timestamp,
// webhook-signature: v1, HMAC-SHA256) and carries no secret, prompt or body,
// and that deliveries that are due go on after a restart. An alert may be
// delivered twice, with the same webhook-id; one of the last moment before a
// crash may be lost.
//
// It refuses to follow redirects, to send in clear to another machine, and to
// say the signing secret a second time.
package alerts

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// Kept is how many alerts the board has at most; older ones fall off.
const Kept = 200

// Errors of the owner's actions.
var (
	ErrNoAlert   = errors.New("no such alert")
	ErrNoWebhook = errors.New("no webhook is set")
	ErrURL       = errors.New("not a URL that alerts can be sent to")
)

// Config says where the board is kept.
type Config struct {
	// Store keeps it; required.
	Store *store.Store
	// Clock dates alerts; default time.Now.
	Clock func() time.Time
	// Rand is the source of ids, secrets and jitter; default crypto/rand.Reader.
	Rand io.Reader
	// Transport delivers to the webhook; default one of its own, without a
	// proxy.
	Transport http.RoundTripper
	// Log receives what failed in the background, never secrets or URLs;
	// default none.
	Log *slog.Logger
}

// Board holds alerts. Its methods are safe for concurrent use.
type Board struct {
	store *store.Store
	clock func() time.Time
	rand  io.Reader
	log   *slog.Logger
	http  *http.Client

	mu     sync.Mutex
	state  state
	dirty  bool // newer than in the store
	bursts bursts
	raised map[Kind]int64

	saving sync.Mutex // one write after the other; taken before mu
	wake   chan struct{}
	stop   context.CancelFunc
	ended  chan struct{}
}

// New opens the board and begins to deliver. The caller must Close it. Errors:
// those of the store.
func New(cfg Config) (*Board, error) {
	if cfg.Store == nil {
		return nil, errors.New("opening alerts: Config.Store is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport()
	}
	kept, err := load(cfg.Store)
	if err != nil {
		return nil, fmt.Errorf("opening alerts: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Board{
		store: cfg.Store, clock: cfg.Clock, rand: cfg.Rand, log: cfg.Log, http: newHTTPClient(cfg.Transport),
		state: kept, bursts: bursts{}, raised: map[Kind]int64{},
		wake: make(chan struct{}, 1), stop: stop, ended: make(chan struct{}),
	}
	go b.work(ctx)
	return b, nil
}

// Close ends what is being delivered, to be tried again at the next start, and
// writes what is not written yet.
func (b *Board) Close() error {
	b.stop()
	<-b.ended
	b.http.CloseIdleConnections()
	if err := b.save(); err != nil {
		return fmt.Errorf("closing alerts: %w", err)
	}
	return nil
}

// List returns the alerts, newest first, dismissed ones included.
func (b *Board) List() []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.state.Alerts)
	slices.Reverse(all)
	return all
}

// Unread counts the alerts that were not dismissed.
func (b *Board) Unread() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, a := range b.state.Alerts {
		if !a.Dismissed {
			n++
		}
	}
	return n
}

// Raised counts the alerts of each kind since the start.
func (b *Board) Raised() map[Kind]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[Kind]int64{LimitNear: 0, LimitReached: 0, DeniedBurst: 0}
	for kind, n := range b.raised {
		counts[kind] = n
	}
	return counts
}

// Dismiss marks one alert as read. Errors: ErrNoAlert, those of the store.
func (b *Board) Dismiss(id string) error {
	if b.dismiss(func(a Alert) bool { return a.ID == id }) == 0 {
		return ErrNoAlert
	}
	return b.save()
}

// DismissAll marks all alerts as read and says how many that were.
func (b *Board) DismissAll() (int, error) {
	n := b.dismiss(func(a Alert) bool { return !a.Dismissed })
	return n, b.save()
}

func (b *Board) dismiss(chosen func(Alert) bool) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.state.Alerts {
		if a := &b.state.Alerts[i]; chosen(*a) {
			a.Dismissed, b.dirty = true, true
			n++
		}
	}
	return n
}

// raise puts an alert on the board and into the queue. The lock is held.
func (b *Board) raise(a Alert) {
	id, err := b.newID()
	if err != nil {
		b.log.Error("alert lost: no random bytes", "kind", a.Kind, "error", err)
		return
	}
	a.ID, a.Time = id, b.clock().UTC().Truncate(time.Second)
	b.state.Alerts = append(b.state.Alerts, a)
	if over := len(b.state.Alerts) - Kept; over > 0 {
		b.state.Alerts = slices.Delete(b.state.Alerts, 0, over)
	}
	if b.state.Hook != nil {
		b.state.enqueue(delivery{Alert: id, Due: a.Time, Since: a.Time})
	}
	b.raised[a.Kind]++
	b.dirty = true
	b.nudge()
}

// nudge lets the worker look.
func (b *Board) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// newID makes alert_ and 10 random bytes in lower-case base32.
func (b *Board) newID() (string, error) {
	var random [10]byte
	if _, err := io.ReadFull(b.rand, random[:]); err != nil {
		return "", err
	}
	return "alert_" + strings.ToLower(base32.StdEncoding.EncodeToString(random[:])), nil
}
