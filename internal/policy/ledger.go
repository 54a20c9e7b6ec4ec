package policy

import (
	"errors"
	"log/slog"
	"time"

	"github.com/keywicket/keywicket/internal/store"
	"github.com/ulule/limiter/v3"
)

// ErrUnavailable is wrapped when the ledger cannot be read or written; the
// request must then be refused.
var ErrUnavailable = errors.New("policy: the ledger cannot be written")

// ErrClosed is returned, wrapping [ErrUnavailable], by a closed ledger.
var ErrClosed = errors.New("policy: the ledger is closed")

// LedgerConfig says where a ledger keeps its counts.
type LedgerConfig struct {
	Store *store.Store     // required
	Clock func() time.Time // default time.Now
	Zone  *time.Location   // the owner's zone, for days and months; default time.Local
	Rates limiter.Store    // minute windows; default a memory store, which reads time.Now itself
	Log   *slog.Logger     // background writes that failed; default discards
}

// Ledger counts what permissions use.
type Ledger struct{}

// NewLedger reads the counts from the store. Close it to write them exactly.
func NewLedger(c LedgerConfig) (*Ledger, error) { return &Ledger{}, nil }

// Reserve takes one request's share of the rate, the concurrency and every
// limit, or of none of them. Errors: *[Denied], [ErrUnavailable], or a
// *[DocumentError] for a document that [Parse] would refuse.
func (l *Ledger) Reserve(permissionID string, d Document, req Request) (*Reservation, error) {
	return &Reservation{}, nil
}

// Check lists the ledger's checks (rate, concurrency, limits) as
// [Document.Check] lists the rules, taking nothing.
func (l *Ledger) Check(permissionID string, d Document, req Request) []Check { return nil }

// Limits tells where each of the document's limits stands.
func (l *Ledger) Limits(permissionID string, d Document) []LimitState { return nil }

// Totals tells what the permission used over its lifetime.
func (l *Ledger) Totals(permissionID string) Totals { return Totals{} }

// Forget drops all counts of a permission that will never be used again.
func (l *Ledger) Forget(permissionID string) error { return nil }

// Close writes the exact counts. What is still held counts as used.
func (l *Ledger) Close() error { return nil }

// LimitState is where one limit stands.
type LimitState struct {
	Per      Period    `json:"per"`
	Model    string    `json:"model,omitzero"`
	Unit     Unit      `json:"unit"`
	Limit    int64     `json:"limit"`
	Used     int64     `json:"used"`
	Held     int64     `json:"held"`
	ResetsAt time.Time `json:"resets_at,omitzero"`
}
