package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// errEmptied says that the database lost everything that the epoch knows of.
var errEmptied = errors.New("the database is empty and was not: put it back, or restore it from a backup; to begin anew, move the whole data directory away")

// branchGap is added to the count of writes of a state put back, so that no
// record version of the state that was lost is ever given out again: a value
// of that state would else fit a new record's place.
const branchGap = 1 << 32

// Restored reports whether the database is not known to be the newest: an
// older copy was put back, it was restored from a backup, or the epoch that
// would tell is missing. It stays so over restarts until AcceptRestore.
//
// Whoever serves from it must not before the owner accepted: apps that were
// revoked since, and spending since, are not in it.
func (s *Store) Restored() bool { return s.restored.Load() }

// AcceptRestore makes the database as it is the current one.
func (s *Store) AcceptRestore() error {
	s.lead <- struct{}{}
	defer func() { <-s.lead }()
	if !s.restored.Load() {
		return nil
	}
	run := newRun()
	var h head
	if err := s.View(func(tx *Tx) (err error) { h, err = readHead(tx.bolt, tx.keys); return err }); err != nil {
		return err
	}
	// The epoch first: until the head says otherwise too, it is unconfirmed.
	if err := s.epoch.replace(mark{writes: h.writes, run: run, next: run}); err != nil {
		return err
	}
	err := s.changeHead(func(h *head) { h.restored, h.run, h.writes = false, run, h.writes+1 })
	if err != nil {
		return fmt.Errorf("accepting restored database: %w", err)
	}
	s.restored.Store(false)
	return nil
}

// begin compares the database with the epoch, and starts a new run of it.
func (s *Store) begin(found contents, known bool) error {
	run := newRun()
	switch last := s.epoch.mark; {
	case found.empty && known && last.writes > 0:
		return fmt.Errorf("%w (%w)", ErrCorrupt, errEmptied)
	case found.empty:
		return s.create(run)
	case found.head.restored:
		s.restored.Store(true)
		return nil
	case known && last.covers(found.head):
		return s.resume(found.head, run)
	default:
		s.restored.Store(true)
		return s.changeHead(func(h *head) {
			h.restored, h.run, h.writes = true, run, max(h.writes, last.writes)+branchGap
		})
	}
}

// create lays out a new file. The epoch comes first: a database without one
// is taken for restored.
func (s *Store) create(run runID) error {
	if err := s.epoch.replace(mark{run: run, next: run}); err != nil {
		return err
	}
	return s.db.Update(func(b *bolt.Tx) error {
		meta, err := b.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		keys := s.keys.Load()
		if err := meta.Put(formatKey, marshalFormat(keys.format)); err != nil {
			return err
		}
		return writeHead(b, keys, head{run: run})
	})
}

// resume announces the run in the epoch, begins it in the database, and then
// closes the one before: killed in between, either run is known.
func (s *Store) resume(h head, run runID) error {
	if err := s.epoch.advance(mark{writes: h.writes, run: h.run, next: run}); err != nil {
		return fmt.Errorf("writing epoch: %w", err)
	}
	if err := s.changeHead(func(h *head) { h.run, h.writes = run, h.writes+1 }); err != nil {
		return err
	}
	return nil
}

// changeHead commits a change of the head alone, and marks it in the epoch.
func (s *Store) changeHead(change func(*head)) error {
	return s.commit(func(tx *Tx) error { change(tx.head); return nil })
}
