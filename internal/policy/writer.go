package policy

import (
	"fmt"
	"time"
)

// totalsDelay is how long totals may wait for a write of their own.
const totalsDelay = 5 * time.Second

// writer writes accounts in the background, one round after the other, and as
// many accounts in a round as have come together since the one before. There
// is one writer at a time, so two rounds never change places on disk. All
// fields are guarded by the ledger's lock.
type writer struct {
	running bool
	pending map[*account]bool // for the next round
	unsaved map[*account]bool // whose totals are newer than on disk
	delay   *time.Timer       // until the unsaved become pending
	now     *round            // being written, nil when idle
	next    *round            // will write what is pending
}

// round is one commit; err may be read once done is closed.
type round struct {
	done chan struct{}
	err  error
}

func newWriter() writer {
	return writer{pending: map[*account]bool{}, unsaved: map[*account]bool{}, next: newRound()}
}

func newRound() *round { return &round{done: make(chan struct{})} }

// write asks for the account to be written soon, and returns the round that
// will. The lock is held.
func (l *Ledger) write(a *account) *round {
	l.writer.pending[a] = true
	if !l.writer.running {
		l.writer.running = true
		go l.writeRounds()
	}
	return l.writer.next
}

func (l *Ledger) writeRounds() {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.writer
	for len(w.pending) > 0 {
		plans := make([]plan, 0, len(w.pending))
		for a := range w.pending {
			plans = append(plans, a.plan(false, l.clock()))
			delete(w.unsaved, a)
		}
		w.now, w.next = w.next, newRound()
		clear(w.pending)

		l.mu.Unlock()
		err := save(l.store, plans)
		l.mu.Lock()

		for _, p := range plans {
			p.settle(err)
		}
		if err != nil {
			l.log.Error("writing the ledger failed; requests that need it are refused", "error", err)
			w.now.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		close(w.now.done)
		w.now = nil
	}
	w.running = false
	l.idle.Broadcast()
}

// await waits, without the lock, until the round is on disk.
func (l *Ledger) await(r *round) error {
	l.mu.Unlock()
	defer l.mu.Lock()
	<-r.done
	return r.err
}

// writeLater has the account's totals written within totalsDelay. The lock is
// held.
func (l *Ledger) writeLater(a *account) {
	w := &l.writer
	w.unsaved[a] = true
	if w.delay != nil || l.closed {
		return
	}
	w.delay = time.AfterFunc(totalsDelay, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		w.delay = nil
		if l.closed {
			return
		}
		for a := range w.unsaved {
			l.write(a)
		}
	})
}
