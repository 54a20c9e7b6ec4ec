package policy

import (
	"fmt"
	"time"
)

// totalsDelay is how long totals may wait for a write of their own,
// loweringDelay how long a ceiling may stand too high. Under load, what is held
// comes and goes: ceilings follow it some times a second, not each time.
const (
	totalsDelay   = 5 * time.Second
	loweringDelay = 100 * time.Millisecond
)

// writer writes accounts in the background, one round after the other, and as
// many accounts in a round as have come together since the one before. There
// is one writer at a time, so two rounds never change places on disk. All
// fields are guarded by the ledger's lock.
type writer struct {
	running bool
	pending map[*account]bool // for the next round
	unsaved later             // whose totals are newer than on disk
	lower   later             // whose ceilings stand too high
	now     *round            // being written, nil when idle
	next    *round            // will write what is pending
}

// round is one commit; err may be read once done is closed.
type round struct {
	done chan struct{}
	err  error
}

func newWriter(l *Ledger) writer {
	return writer{
		pending: map[*account]bool{}, next: newRound(),
		unsaved: later{ledger: l, delay: totalsDelay, accounts: map[*account]bool{}},
		lower:   later{ledger: l, delay: loweringDelay, accounts: map[*account]bool{}},
	}
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
			delete(w.unsaved.accounts, a)
			delete(w.lower.accounts, a)
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

// await waits, without the lock, until the round is on disk. Until it has the
// lock again, no other round takes away the room that the holds want.
func (l *Ledger) await(r *round, holds []hold) error {
	for i := range holds {
		if h := &holds[i]; h.tally != nil {
			h.counter.ask(h.asked, h.cap)
		}
	}
	l.mu.Unlock()
	<-r.done
	l.mu.Lock()
	for i := range holds {
		if h := &holds[i]; h.tally != nil {
			h.counter.have(h.asked)
		}
	}
	return r.err
}

// later is a set of accounts that are to be written within a delay, together.
type later struct {
	ledger   *Ledger
	delay    time.Duration
	accounts map[*account]bool
	timer    *time.Timer // nil when none is waited for
}

// add has the account written within the delay. The lock is held.
func (w *later) add(a *account) {
	w.accounts[a] = true
	if w.timer == nil && !w.ledger.closed {
		w.timer = time.AfterFunc(w.delay, w.flush)
	}
}

// flush has the accounts written, not all at once where there are many: the
// ledger is locked while they are put together.
func (w *later) flush() {
	const batch, pause = 256, 20 * time.Millisecond
	w.ledger.mu.Lock()
	defer w.ledger.unlock()
	w.timer = nil
	if w.ledger.closed {
		return
	}
	n := 0
	for a := range w.accounts {
		if n++; n > batch {
			w.timer = time.AfterFunc(pause, w.flush)
			return
		}
		delete(w.accounts, a)
		w.ledger.write(a)
	}
}

func (w *later) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
