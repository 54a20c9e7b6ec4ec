package owner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	// IdleExpiry ends a console session that is not used.
	IdleExpiry = 12 * time.Hour
	// AbsoluteExpiry ends a console session, used or not.
	AbsoluteExpiry = 7 * 24 * time.Hour
	// MaxSessions is how many there can be; one more ends the one that was
	// not used for the longest time.
	MaxSessions = 32

	// touchEvery bounds how often use is written to disk. After a restart a
	// session can seem idle for that much longer than it was, never shorter.
	touchEvery = 5 * time.Minute
)

var sessions = store.NewCollection[session]("owner-sessions")

// session is stored under the hash of its token, so that the data directory
// holds nothing a browser would accept.
type session struct {
	StartedAt time.Time `json:"started_at"`
	UsedAt    time.Time `json:"used_at"`

	stored time.Time // UsedAt as on disk
}

func (s session) expired(now time.Time) bool {
	return now.Sub(s.UsedAt) >= IdleExpiry || now.Sub(s.StartedAt) >= AbsoluteExpiry
}

// load also clears away what has expired.
func (o *Owner) load(tx *store.Tx) (err error) {
	if o.sessions, err = sessions.All(tx); err != nil {
		return err
	}
	for hash, s := range o.sessions {
		s.stored = s.UsedAt
		o.sessions[hash] = s
	}
	return nil
}

// StartSession begins a console session and returns its token, which is kept
// nowhere.
func (o *Owner) StartSession() (token string, err error) {
	if token, err = o.newToken(); err != nil {
		return "", err
	}
	now := o.clock().UTC().Round(0)
	s := session{StartedAt: now, UsedAt: now, stored: now}

	o.mu.Lock()
	defer o.mu.Unlock()
	gone := o.makeRoom(now)
	err = o.store.Update(func(tx *store.Tx) error {
		for _, hash := range gone {
			if err := sessions.Delete(tx, hash); err != nil {
				return err
			}
		}
		return sessions.Put(tx, hashOf(token), s)
	})
	if err != nil {
		return "", fmt.Errorf("storing session: %w", err)
	}
	for _, hash := range gone {
		delete(o.sessions, hash)
	}
	o.sessions[hashOf(token)] = s
	return token, nil
}

// makeRoom names the sessions that have expired and, if that is not enough,
// the one unused for longest.
func (o *Owner) makeRoom(now time.Time) []string {
	var gone []string
	left := maps.Clone(o.sessions)
	maps.DeleteFunc(left, func(hash string, s session) bool {
		if !s.expired(now) {
			return false
		}
		gone = append(gone, hash)
		return true
	})
	byUse := slices.SortedFunc(maps.Keys(left), func(a, b string) int { return left[a].UsedAt.Compare(left[b].UsedAt) })
	return append(gone, byUse[:max(0, len(byUse)-MaxSessions+1)]...)
}

// Session checks a session token and notes that it was used.
// Error: ErrNoSession.
func (o *Owner) Session(token string) error {
	hash, now := hashOf(token), o.clock().UTC().Round(0)
	o.mu.Lock()
	s, ok := o.sessions[hash]
	if !ok || s.expired(now) {
		o.mu.Unlock()
		return ErrNoSession
	}
	if now.After(s.UsedAt) {
		s.UsedAt = now
	}
	due := s.UsedAt.Sub(s.stored) >= touchEvery
	if due {
		s.stored = s.UsedAt
	}
	o.sessions[hash] = s
	o.mu.Unlock()
	if due {
		o.touch(hash, s)
	}
	return nil
}

// touch stores a session's last use, unless the session has ended meanwhile:
// it must not come back. If it cannot be stored the session ends the sooner
// after a restart, which is the safe side.
func (o *Owner) touch(hash string, s session) {
	_ = o.store.Batch(func(tx *store.Tx) error {
		if _, err := sessions.Get(tx, hash); err != nil {
			return err
		}
		return sessions.Put(tx, hash, s)
	})
}

// EndSession ends one session; one that does not exist is no error. Even when
// an error is returned the session is over in this process.
func (o *Owner) EndSession(token string) error {
	return o.end(func(hash string) bool { return hash == hashOf(token) })
}

// EndAllSessions ends every session. Even when an error is returned they are
// over in this process. As with EndSession, no later call is a success before
// the store knows too.
func (o *Owner) EndAllSessions() error {
	return o.end(func(string) bool { return true })
}

func (o *Owner) end(match func(hash string) bool) error {
	o.mu.Lock()
	for hash := range o.sessions {
		if match(hash) {
			o.owed[hash] = true
			delete(o.sessions, hash)
		}
	}
	gone := slices.Collect(maps.Keys(o.owed))
	o.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	err := o.store.Update(func(tx *store.Tx) error {
		var errs []error
		for _, hash := range gone {
			errs = append(errs, sessions.Delete(tx, hash))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("ending session: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, hash := range gone {
		delete(o.owed, hash)
	}
	return nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
