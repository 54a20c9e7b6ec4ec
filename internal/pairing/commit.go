package pairing

import (
	"errors"
	"fmt"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// grant commits a change that gives something. Its events are appended inside
// the transaction, last, so that what cannot be recorded does not happen; a
// commit that fails after that leaves a line too many, never one too few. The
// caller holds changing and publishes afterwards.
func (p *Pairing) grant(write func(*store.Tx) error, events ...audit.Event) error {
	return p.cfg.Store.Update(func(tx *store.Tx) error {
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

// publish makes a change visible to every check. The caller holds changing.
func (p *Pairing) publish(fn func(*live)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(&p.live)
}

// loss is a change that takes something away.
type loss struct {
	publish func(*live)
	write   func(*store.Tx) error
	event   audit.Event
	change  Change // zero: nothing that runs is concerned
}

// takeAway carries out what decide returns, given the state as it is; a nil
// loss means that nothing needs to change. The order is the reverse of a
// grant's: memory, store, audit, watchers. Each step happens even when the one
// before failed, since a full disk must not keep a revoked app alive.
func (p *Pairing) takeAway(decide func(*live) (*loss, error)) error {
	l, err := p.commitLoss(decide)
	if l != nil && l.change != (Change{}) {
		p.mu.RLock()
		watchers := p.watchers
		p.mu.RUnlock()
		for _, fn := range watchers {
			fn(l.change)
		}
	}
	return err
}

func (p *Pairing) commitLoss(decide func(*live) (*loss, error)) (*loss, error) {
	p.changing.Lock()
	defer p.changing.Unlock()
	l, err := decide(&p.live)
	if err != nil || l == nil {
		return nil, err
	}
	p.publish(l.publish)
	if err = p.cfg.Store.Update(l.write); err != nil {
		err = fmt.Errorf("%w: %w", errNotStored, err)
	}
	if err = errors.Join(err, p.cfg.Audit.Append(l.event)); err != nil {
		p.cfg.Log.Error("a change that ends something was made but not recorded", "kind", l.event.Kind, "error", err)
		return l, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return l, nil
}
