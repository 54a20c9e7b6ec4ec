package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// View runs fn in a read-only transaction on one consistent state.
func (s *Store) View(fn func(*Tx) error) error {
	if err := s.working(); err != nil {
		return err
	}
	return guarded(func() error {
		return s.db.View(func(b *bolt.Tx) error {
			// The keys are read after the state was fixed: they open
			// whatever a rotation had done by then.
			return callers(fn, &Tx{bolt: b, keys: s.keys.Load()})
		})
	})
}

// Update runs fn in a read-write transaction and returns after it is on disk.
// When fn returns an error nothing of it is kept.
func (s *Store) Update(fn func(*Tx) error) error {
	s.lead <- struct{}{}
	defer func() { <-s.lead }()
	return s.commit(fn)
}

// commit runs fn in a read-write transaction; the caller leads. An error says
// that the old state stands, except one of the last disk sync, after which
// the new state may.
func (s *Store) commit(fn func(*Tx) error) error {
	if err := s.working(); err != nil {
		return err
	}
	if err := s.epoch.catchUp(); err != nil {
		return err
	}
	after, err := s.transact(fn)
	if err != nil {
		return err
	}
	if now := (mark{writes: after.writes, run: after.run, next: after.run}); !s.restored.Load() && now != s.epoch.mark {
		// A mark that cannot be written holds up the next write, not this
		// one, which is on disk.
		_ = s.epoch.advance(now)
	}
	return nil
}

// transact is bbolt's Update, but for what happens after a panic: Update
// would then look for free pages in a goroutine of its own, where a fault on a
// damaged file ends the process. Here what reads records fails as an error,
// and a commit that panicked leaves bbolt as it is, never to be used again.
func (s *Store) transact(fn func(*Tx) error) (after head, err error) {
	var b *bolt.Tx
	if err := guarded(func() (err error) { b, err = s.db.Begin(true); return err }); err != nil {
		return after, s.breakOn(err)
	}
	finished := false
	defer func() {
		if !finished { // the caller's function failed or panicked
			if failed := b.Rollback(); failed != nil {
				err = errors.Join(err, failed)
			}
		}
	}()
	if after, err = s.run(b, fn); err != nil {
		return after, err
	}
	finished = true
	return after, s.breakOn(guarded(b.Commit))
}

// run runs fn and writes the head that it leads to.
func (s *Store) run(b *bolt.Tx, fn func(*Tx) error) (after head, err error) {
	err = guarded(func() error {
		keys := s.keys.Load()
		before, err := readHead(b, keys)
		if err != nil {
			return err
		}
		after = before
		if err := callers(fn, &Tx{bolt: b, keys: keys, head: &after}); err != nil || after == before {
			return err
		}
		return writeHead(b, keys, after)
	})
	return after, err
}

// outcome is how one of several functions committed together ended.
type outcome struct {
	err      error
	panicked *callersPanic
}

// call is a function that waits to be committed.
type call struct {
	fn   func(*Tx) error
	done chan outcome
}

// Batch is Update for many concurrent callers: those that come while another
// commit is under way share the next one. fn may be run more than once, and by
// another caller's goroutine, so it must write absolute values and have no
// other effect.
func (s *Store) Batch(fn func(*Tx) error) error {
	c := &call{fn: fn, done: make(chan outcome, 1)}
	s.waiting.add(c)
	select {
	case o := <-c.done:
		return o.result()
	case s.lead <- struct{}{}:
		s.leadAll()
		return (<-c.done).result()
	}
}

func (s *Store) leadAll() {
	defer func() { <-s.lead }()
	s.commitAll(s.waiting.take())
}

func (o outcome) result() error {
	if o.panicked != nil {
		panic(o.panicked.value)
	}
	return o.err
}

// commitAll commits the calls in one transaction. One that fails is taken out
// and run alone, where its error is its own.
func (s *Store) commitAll(calls []*call) {
	for len(calls) > 0 {
		failed := -1
		err := s.commit(func(tx *Tx) error {
			for i, c := range calls {
				if o := attempt(func() error { return c.fn(tx) }); o != (outcome{}) {
					failed = i
					return fmt.Errorf("%w", errAborted)
				}
			}
			return nil
		})
		if failed < 0 {
			for _, c := range calls {
				c.done <- outcome{err: err}
			}
			return
		}
		alone := calls[failed]
		calls = append(calls[:failed:failed], calls[failed+1:]...)
		alone.done <- attempt(func() error { return s.commit(alone.fn) })
	}
}

// attempt runs fn and keeps its panic for the goroutine it belongs to.
func attempt(fn func() error) (o outcome) {
	defer func() {
		if r := recover(); r != nil {
			o.panicked = &callersPanic{r}
		}
	}()
	return outcome{err: fn()}
}
