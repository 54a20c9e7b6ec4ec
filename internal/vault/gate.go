package vault

import (
	"errors"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// After the nth wrong passphrase in a row the next attempt at the same door has
// to wait 2^(n-1) seconds, but no more than maxDelay: whoever can reach the
// sign-in page can use up attempts, and must not lock the owner out for long.
const (
	firstDelay = time.Second
	maxDelay   = time.Minute
	busyDelay  = time.Second
)

// A door is a way that passphrases come in. Each has a delay of its own: a
// stranger who guesses at the console's sign-in page does not keep the owner
// waiting at the local socket.
type door string

// The values are keys in the store.
const (
	localDoor   door = "passphrase"
	consoleDoor door = "console"
)

var gateRecords = store.NewCollection[gateRecord]("vault-attempts")

// gateRecord keeps the delay over a restart.
type gateRecord struct {
	Failures int       `json:"failures"`
	Until    time.Time `json:"until"`
}

// gate lets one passphrase attempt in at a time, whatever the door, and none
// too soon after a wrong one at the same door.
type gate struct {
	store *store.Store
	clock func() time.Time

	mu   sync.Mutex
	busy bool
	at   map[door]gateRecord
}

func (g *gate) load(tx *store.Tx) error {
	g.at = map[door]gateRecord{}
	for _, d := range []door{localDoor, consoleDoor} {
		record, err := gateRecords.Get(tx, string(d))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		g.at[d] = record
	}
	return nil
}

// enter begins an attempt, which leave ends. Error: *TooSoonError.
func (g *gate) enter(d door) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.wait(d); wait > 0 {
		return &TooSoonError{RetryAfter: wait}
	}
	if g.busy {
		return &TooSoonError{RetryAfter: busyDelay}
	}
	g.busy = true
	return nil
}

// wait is never longer than the delay itself, even if the clock was set back.
func (g *gate) wait(d door) time.Duration {
	now, record := g.clock(), g.at[d]
	wait, most := record.Until.Sub(now), delay(record.Failures)
	if wait > most {
		wait = most
		record.Until = now.Add(most)
		g.at[d] = record
	}
	return wait
}

func delay(failures int) time.Duration {
	if failures < 1 {
		return 0
	}
	if failures > 6 {
		return maxDelay
	}
	return min(firstDelay<<(failures-1), maxDelay)
}

func (g *gate) leave(d door, right bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = false
	before := g.at[d]
	var after gateRecord
	if !right {
		after.Failures = before.Failures + 1
		after.Until = g.clock().UTC().Round(0).Add(delay(after.Failures))
	}
	if after == before {
		return
	}
	g.at[d] = after
	// If it cannot be stored (disk full), the delay holds until a restart;
	// refusing the right passphrase for that would help nobody.
	_ = g.store.Update(func(tx *store.Tx) error { return gateRecords.Put(tx, string(d), after) })
}
