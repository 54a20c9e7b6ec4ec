package policy

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

var (
	// ErrUnavailable says that the ledger cannot be written: the request must
	// be refused, and may be tried again.
	ErrUnavailable = errors.New("the ledger cannot be written")
	// ErrClosed says that the ledger has been closed. It wraps ErrUnavailable.
	ErrClosed = fmt.Errorf("%w: it is closed", ErrUnavailable)
)

// LedgerConfig says where a ledger keeps its counts.
type LedgerConfig struct {
	Store *store.Store     // required
	Clock func() time.Time // default time.Now
	Zone  *time.Location   // the owner's zone, for days and months; default time.Local
	Log   *slog.Logger     // background writes that failed; default discards
	// Watch is told of limits that were used up to 80 and 100 %, once for each
	// limit, unit and period. It is called by whoever settled the request and
	// must not wait for long. Minute windows are not watched: to reach a rate
	// is nothing out of the ordinary. Default: nobody.
	Watch func(Crossing)
}

// Ledger counts what permissions use. Its methods are safe for concurrent use.
//
// A request is reserved before it goes out and settled or released after.
// Counts live in memory under one lock; the store holds a ceiling for each
// counter, raised ahead of time in the background, so that a reservation
// waits for the disk only when a counter is new in its period or the app is
// faster than the disk. Minute windows live in memory; see minutes.
type Ledger struct {
	store *store.Store
	clock func() time.Time
	zone  *time.Location
	log   *slog.Logger
	watch func(Crossing) // may be nil

	mu       sync.Mutex
	idle     *sync.Cond // the writer stopped
	accounts map[string]*account
	writer   writer
	crossed  []Crossing // to tell once the lock is free
	closed   bool
}

// NewLedger reads the counts from the store. A ledger that was closed goes on
// exactly where it was; one that was killed, at its ceilings. Errors: those
// of the store.
func NewLedger(c LedgerConfig) (*Ledger, error) {
	if c.Store == nil {
		return nil, errors.New("opening the ledger: LedgerConfig.Store is required")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	all, err := load(c.Store, c.Clock())
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		store:    c.Store,
		clock:    c.Clock,
		zone:     cmp.Or(c.Zone, time.Local),
		log:      cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		watch:    c.Watch,
		accounts: all,
	}
	l.writer = newWriter(l)
	l.idle = sync.NewCond(&l.mu)
	return l, nil
}

// account finds or makes a permission's account. The lock is held.
func (l *Ledger) account(permissionID string) *account {
	a, found := l.accounts[permissionID]
	if !found {
		a = newAccount(permissionID)
		l.accounts[permissionID] = a
	}
	return a
}

// look is account for those who only read: it leaves no trace.
func (l *Ledger) look(permissionID string) *account {
	if a, found := l.accounts[permissionID]; found {
		return a
	}
	return newAccount(permissionID)
}

// Totals tells what the permission used over its lifetime.
func (l *Ledger) Totals(permissionID string) Totals {
	l.mu.Lock()
	defer l.unlock()
	return l.look(permissionID).totals
}

// Close writes the exact counts; what is still held counts as used. Later
// reservations fail with [ErrClosed]. When writing fails, the ceilings stand,
// as after a crash.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.writer.unsaved.stop()
	l.writer.lower.stop()
	for l.writer.running {
		l.idle.Wait()
	}
	var plans []plan
	for _, a := range l.accounts {
		if a.touched {
			plans = append(plans, l.lastPlan(a))
		}
	}
	if len(plans) == 0 {
		return nil
	}
	if err := save(l.store, plans); err != nil {
		return fmt.Errorf("closing the ledger: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// lastPlan is the plan of a ledger that is being closed.
func (l *Ledger) lastPlan(a *account) plan {
	now := l.clock()
	windows := a.minutes.last(now)
	p := a.plan(true, now)
	p.record.Counters = append(p.record.Counters, windows...)
	return p
}
