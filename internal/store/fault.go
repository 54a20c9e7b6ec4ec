package store

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// callersPanic carries a panic of a function given to a transaction past the
// store's own recovery: it is the caller's, and no sign of damage.
type callersPanic struct{ value any }

// damaged turns a panic inside bbolt on a file that changed under it, or a
// fault reading the mapped file (a disk error, a file cut short), into
// ErrCorrupt. It is deferred by what reads records.
func damaged(collection string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("collection %s: %w (%v)", collection, ErrCorrupt, r)
	}
}

// guarded runs a transaction with faults turned into panics and panics into
// ErrCorrupt; the caller's own panics pass.
func guarded(run func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case callersPanic:
			panic(r.value)
		default:
			err = fmt.Errorf("%w (%v)", errPanicked, r)
		}
	}()
	return run()
}

// errPanicked says that bbolt itself panicked, and not for a caller.
var errPanicked = fmt.Errorf("%w", ErrCorrupt)

// callers runs the caller's function and marks its panics as its own.
func callers(fn func(*Tx) error, tx *Tx) error {
	defer func() {
		if r := recover(); r != nil {
			panic(callersPanic{r})
		}
	}()
	return fn(tx)
}

// breakOn remembers that a write panicked: bbolt's memory of the file can no
// longer be trusted, so nothing is served from it until it is opened again.
func (s *Store) breakOn(err error) error {
	if errors.Is(err, errPanicked) {
		s.broken.CompareAndSwap(nil, &err)
	}
	return err
}

func (s *Store) working() error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return nil
}
