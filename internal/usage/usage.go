// Package usage remembers what was used: per app, resource, model and hour,
// requests, tokens, dollars, denials by rule, errors and latency, for two
// years.
//
// It guarantees that recording touches memory only, that what a client chooses
// (the names of models) takes a bounded amount of it and of the file, and that
// a day or a month of the owner's zone has the hours that the zone gives it.
// Hours are kept in UTC; one that straddles midnight, in a zone that is off by
// half an hour, belongs to the day it starts in.
//
// It refuses nothing: it is the story of what happened, not the ledger. A
// crash may lose the last seconds of it, and a disk that cannot be written
// loses what was recorded since, once the gateway stops. Nothing is decided by
// these numbers.
//
//	usage "days"          which days there are, in how many parts
//	usage "2026-11-21.0"  one UTC day: string table and a row for each hour of
//	                      each series, varints, deflated; parts of 512 KiB
package usage

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// Kept is how long usage is remembered, in days of UTC.
const Kept = 2*365 + 1

// Config says where the history is kept.
type Config struct {
	// Store keeps it; required.
	Store *store.Store
	// Zone is the owner's, for days; default time.Local.
	Zone *time.Location
	// Clock tells the hour that something is recorded in; default time.Now.
	Clock func() time.Time
	// Log receives background writes that failed; default none.
	Log *slog.Logger
}

// History is what was used. Its methods are safe for concurrent use.
type History struct {
	store *store.Store
	zone  *time.Location
	clock func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	live   map[int64]*table // days that something is recorded in, by dayOf
	timer  *time.Timer      // until the next write
	closed bool

	writing sync.Mutex     // held during a write; taken before mu
	index   map[string]int // parts of each day in the store; writing guards it
}

// New opens the history and forgets what is older than Kept. Errors: those of
// the store.
func New(cfg Config) (*History, error) {
	if cfg.Store == nil {
		return nil, errors.New("opening usage history: Config.Store is required")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &History{store: cfg.Store, zone: cfg.Zone, clock: cfg.Clock, log: cfg.Log, live: map[int64]*table{}}
	index, err := readIndex(h.store)
	if err != nil {
		return nil, fmt.Errorf("opening usage history: %w", err)
	}
	h.index = index
	if err := h.prune(); err != nil {
		return nil, fmt.Errorf("opening usage history: %w", err)
	}
	return h, nil
}

// Close writes what was recorded last. What is recorded later is ignored.
func (h *History) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	h.mu.Unlock()
	if err := h.write(); err != nil {
		return fmt.Errorf("closing usage history: %w; the last of it is lost", err)
	}
	return nil
}
