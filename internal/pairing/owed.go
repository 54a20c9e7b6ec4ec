package pairing

import (
	"errors"
	"fmt"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// How long to wait before what is owed is tried again: twice as long each time.
const (
	firstRetry   = time.Second
	longestRetry = time.Minute
)

// owed is what has been taken away in memory and is not yet on disk. It names
// records and keeps no copies: what is written in the end is what memory says
// then, so that a late write cannot undo a later change. It stays small, since
// nothing that is taken away can be given back before it has been written.
type owed struct {
	gateway  bool
	apps     map[string]bool
	sessions map[string]*liveSession // ended ones
	requests map[string]bool
	events   []audit.Event
}

func newOwed() owed {
	return owed{apps: map[string]bool{}, sessions: map[string]*liveSession{}, requests: map[string]bool{}}
}

// add owes what a loss changes.
func (o *owed) add(l *loss) {
	o.gateway = o.gateway || l.gateway
	if l.app != "" {
		o.apps[l.app] = true
	}
	for _, s := range l.sessions {
		o.sessions[s.record.ID] = s
	}
	for _, r := range l.requests {
		o.requests[r.record.ID] = true
	}
	o.events = append(o.events, l.event)
}

// records says whether the store lacks anything.
func (o *owed) records() bool {
	return o.gateway || len(o.apps)+len(o.sessions)+len(o.requests) > 0
}

// stored is called when it no longer does.
func (o *owed) stored() {
	events := o.events
	*o = newOwed()
	o.events = events
}

// writeOwed writes what is owed as it is in memory.
func (l *live) writeOwed(tx *store.Tx) error {
	var err error
	if l.owed.gateway {
		err = gatewayRecords.Put(tx, gatewayKey, gatewayRecord{State: l.state})
	}
	for id := range l.owed.apps {
		err = errors.Join(err, appRecords.Put(tx, id, l.apps[id]))
	}
	for id := range l.owed.sessions {
		err = errors.Join(err, sessionRecords.Delete(tx, id))
	}
	for id := range l.owed.requests {
		if r := l.requests[id]; r != nil {
			err = errors.Join(err, requestRecords.Put(tx, id, r.record))
		} else {
			err = errors.Join(err, requestRecords.Delete(tx, id))
		}
	}
	return err
}

// settle writes what is owed; a retry is on its way if that fails. The caller
// holds changing. Errors: ErrNotRecorded.
func (p *Pairing) settle() error {
	var err error
	if p.live.owed.records() {
		if err = p.update(func(*store.Tx) error { return nil }); err != nil {
			err = fmt.Errorf("%w: %w", errNotStored, err)
		}
	}
	if err = errors.Join(err, p.recordOwed()); err == nil {
		return nil
	}
	p.cfg.Log.Error("a change that ends something was made but not recorded", "error", err)
	p.retryLater()
	return fmt.Errorf("%w: %w", ErrNotRecorded, err)
}

// recordOwed appends the audit lines that are owed, in the order in which
// things happened. The caller holds changing. Errors: audit.ErrUnavailable.
func (p *Pairing) recordOwed() error {
	for len(p.live.owed.events) > 0 {
		if err := p.cfg.Audit.Append(p.live.owed.events[0]); err != nil {
			return err
		}
		p.publish(func(l *live) { l.owed.events = l.owed.events[1:] })
	}
	return nil
}

// retryLater makes sure that somebody settles. The caller holds changing.
func (p *Pairing) retryLater() {
	if p.retrying || p.closed {
		return
	}
	p.retrying = true
	p.retries.Go(p.retry)
}

// retry settles until that succeeds or the Pairing is closed.
func (p *Pairing) retry() {
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		timer := time.NewTimer(wait)
		select {
		case <-p.closing:
			timer.Stop()
			return
		case <-timer.C:
		}
		if p.settled() {
			return
		}
	}
}

func (p *Pairing) settled() bool {
	p.changing.Lock()
	defer p.changing.Unlock()
	p.retrying = p.settle() != nil
	return !p.retrying
}
