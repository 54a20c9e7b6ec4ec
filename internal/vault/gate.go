package vault

import (
	"errors"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// After the nth wrong passphrase in a row the next attempt has to wait
// 2^(n-1) seconds, but no more than maxDelay: whoever can reach the sign-in
// page can use up attempts, and must not lock the owner out for long.
const (
	firstDelay = time.Second
	maxDelay   = time.Minute
	busyDelay  = time.Second
)

const gateKey = "passphrase"

var gateRecords = store.NewCollection[gateRecord]("vault-attempts")

// gateRecord keeps the delay over a restart.
type gateRecord struct {
	Failures int       `json:"failures"`
	Until    time.Time `json:"until"`
}

// gate lets one passphrase attempt in at a time, and none too soon after a
// wrong one.
type gate struct {
	store *store.Store
	clock func() time.Time

	mu   sync.Mutex
	busy bool
	now  gateRecord
}

func (g *gate) load(tx *store.Tx) error {
	record, err := gateRecords.Get(tx, gateKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	g.now = record
	return err
}

// enter begins an attempt, which leave ends. Error: *TooSoonError.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy {
		return &TooSoonError{RetryAfter: busyDelay}
	}
	if wait := g.wait(); wait > 0 {
		return &TooSoonError{RetryAfter: wait}
	}
	g.busy = true
	return nil
}

// wait is never longer than the delay itself, even if the clock was set back.
func (g *gate) wait() time.Duration {
	now := g.clock()
	wait, most := g.now.Until.Sub(now), delay(g.now.Failures)
	if wait > most {
		wait = most
		g.now.Until = now.Add(most)
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

func (g *gate) leave(right bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = false
	before := g.now
	if right {
		g.now = gateRecord{}
	} else {
		g.now.Failures++
		g.now.Until = g.clock().UTC().Round(0).Add(delay(g.now.Failures))
	}
	if g.now == before {
		return
	}
	// If it cannot be stored (disk full), the delay holds until a restart;
	// refusing the right passphrase for that would help nobody.
	_ = g.store.Update(func(tx *store.Tx) error { return gateRecords.Put(tx, gateKey, g.now) })
}
