package pairing

import (
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// grant commits a change that gives something. Its events are appended inside
// the transaction, last, so that what cannot be recorded does not happen; a
// commit that fails after that leaves a line too many, never one too few. The
// caller holds changing and publishes afterwards.
func (p *Pairing) grant(write func(*store.Tx) error, events ...audit.Event) error {
	if err := p.recordOwed(); err != nil {
		return err
	}
	return p.update(func(tx *store.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		for _, e := range events {
			if err := p.cfg.Audit.Append(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// update is how everything is written once New has returned: what is owed goes
// along. The caller holds changing.
func (p *Pairing) update(write func(*store.Tx) error) error {
	err := p.cfg.Store.Update(func(tx *store.Tx) error {
		if err := p.live.writeOwed(tx); err != nil {
			return err
		}
		return write(tx)
	})
	if err == nil && p.live.owed.records() {
		p.publish(func(l *live) { l.owed.stored() })
	}
	return err
}

// turn takes the turn to change something. The function it returns ends it,
// and tells the watchers what the change left in untold.
func (p *Pairing) turn() (end func()) {
	p.changing.Lock()
	return func() {
		untold := p.untold
		p.untold = nil
		p.changing.Unlock()
		p.tell(untold...)
	}
}

// publish makes a change visible to every check. The caller holds changing.
func (p *Pairing) publish(fn func(*live)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(&p.live)
}

// loss is a change that takes something away.
type loss struct {
	publish func(*live)
	// What it changes: the gateway's state, an app, sessions that end,
	// requests that end or are answered.
	gateway  bool
	app      string
	sessions []*liveSession
	requests []*liveRequest
	event    audit.Event
	change   Change // zero: nothing that runs is concerned
}

// takeAway carries out what decide returns, given the state as it is; a nil
// loss means that nothing needs to change. The order is the reverse of a
// grant's: what runs is stopped first, then come memory, store and audit. Each
// step happens even when one before failed or hangs, since a disk must not
// keep a revoked app alive. What could not be written stays owed: calling
// again is no success before that has been made good.
func (p *Pairing) takeAway(decide func(*live) (*loss, error)) error {
	halted, err := p.halt(decide)
	if err != nil {
		return err
	}
	change, err := p.lose(decide, halted)
	if err != nil {
		return err
	}
	if change != halted { // something was given in between
		p.tell(change)
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	return p.settle()
}

// lose makes the change in memory, in place of its halt.
func (p *Pairing) lose(decide func(*live) (*loss, error), halted Change) (Change, error) {
	p.changing.Lock()
	defer p.changing.Unlock()
	l, err := decide(&p.live)
	p.publish(func(live *live) {
		if l != nil {
			l.publish(live)
			live.owed.add(l)
		}
		p.halts.lift(halted)
	})
	if l == nil {
		return Change{}, err
	}
	return l.change, err
}
