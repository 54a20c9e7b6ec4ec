package pairing

import "errors"

// ErrNotRecorded says that a change which takes rights away has been made, but
// not recorded as it should be: the audit log could not be written, or the
// store, in which case it holds only until the gateway restarts.
var ErrNotRecorded = errors.New("done, but not recorded")

// ChangeKind says what has been taken away.
type ChangeKind string

// Every kind of change that Watch reports.
const (
	ChangeRevoked      ChangeKind = "revoked"
	ChangeSuspended    ChangeKind = "suspended"
	ChangeFrozen       ChangeKind = "frozen"
	ChangeSessionEnded ChangeKind = "session_ended"
)

// Change tells a watcher whose requests must stop now.
type Change struct {
	Kind ChangeKind
	// AppID is empty when the change is about all apps.
	AppID string
	// SessionID is set for ChangeSessionEnded.
	SessionID string
}

// Watch registers fn. It is called synchronously, after the new state is
// visible to every check and before the method that made the change returns.
func (p *Pairing) Watch(fn func(Change)) {}

// Suspend refuses an app until it is resumed and stops its requests. Errors:
// ErrNoApp, ErrAppRevoked, ErrNotRecorded.
func (p *Pairing) Suspend(id string) error { return ErrNoApp }

// Resume lets a suspended app work again. Errors: ErrNoApp, ErrAppRevoked,
// audit.ErrUnavailable.
func (p *Pairing) Resume(id string) error { return ErrNoApp }

// Revoke ends an app for good: its sessions and open consent requests go with
// it. Errors: ErrNoApp, ErrNotRecorded. Revoking twice is no error.
func (p *Pairing) Revoke(id string) error { return ErrNoApp }

// EndSession ends one session; one that is not live is no error. Errors:
// ErrNotRecorded.
func (p *Pairing) EndSession(sessionID string) error { return nil }

// Freeze refuses every app until Thaw and stops all requests. Errors:
// ErrNotRecorded.
func (p *Pairing) Freeze() error { return nil }

// Thaw ends a freeze. Errors: audit.ErrUnavailable.
func (p *Pairing) Thaw() error { return nil }

// Frozen says whether the gateway is frozen.
func (p *Pairing) Frozen() bool { return true }
