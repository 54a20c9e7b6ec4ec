package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// rotateBatch is how many records are sealed anew in one commit: few enough
// that requests do not wait noticeably for it.
const rotateBatch = 128

// errNotRotated keeps the old generation when a record would be lost with it.
var errNotRotated = errors.New("it is still sealed under the old host key: rotate again")

// RotateHostKey replaces the host key and seals and names every record anew,
// while serving. What Derive returns does not change.
//
// It may be interrupted at any point, by ctx, by an error or by a kill: the
// host key file holds both generations until no record needs the old one, and
// the next call, or the next Open, goes on. The old generation stays in the
// memory of this process until it ends.
func (s *Store) RotateHostKey(ctx context.Context) error {
	s.rotation.Lock()
	defer s.rotation.Unlock()
	if keys := s.keys.Load(); !keys.rotating() {
		next, err := createGeneration(keys.newest().id + 1)
		if err != nil {
			return err
		}
		both := keys.with(next)
		// On disk before the first record that needs it.
		if err := writeHostKey(s.disk, s.cfg.Dir, both); err != nil {
			return err
		}
		// Between two commits: one under way might still add a record of the
		// old generation after the search for those has begun.
		s.lead <- struct{}{}
		s.keys.Store(both)
		<-s.lead
	}
	if err := s.resealAll(ctx); err != nil {
		return fmt.Errorf("rotating host key: %w", err)
	}
	alone := s.keys.Load().retired()
	if err := writeHostKey(s.disk, s.cfg.Dir, alone); err != nil {
		return err
	}
	s.keys.Store(alone)
	return nil
}

// resealAll seals everything of older generations anew. One pass is enough:
// all that is written meanwhile is of the newest.
func (s *Store) resealAll(ctx context.Context) error {
	names, err := s.collections()
	if err != nil {
		return err
	}
	for _, collection := range names {
		var from []byte
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := s.Update(func(tx *Tx) (err error) {
				from, more, err = tx.reseal(collection, from)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return s.Update(func(tx *Tx) error {
		tx.head.writes++ // the head too is sealed anew, even if there was no record
		return tx.allNewest()
	})
}

// allNewest is the last look before the old generation is given up.
func (tx *Tx) allNewest() error {
	return tx.bolt.ForEach(func(collection []byte, records *bolt.Bucket) error {
		if bytes.Equal(collection, metaBucket) {
			return nil
		}
		return records.ForEach(func(name, raw []byte) error {
			if _, id, _, err := splitRecord(raw); err != nil || id != tx.keys.newest().id {
				return recordError(string(collection), name, errNotRotated)
			}
			return nil
		})
	})
}

func (s *Store) collections() (names []string, err error) {
	err = s.View(func(tx *Tx) error {
		return tx.bolt.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if !bytes.Equal(name, metaBucket) {
				names = append(names, string(name))
			}
			return nil
		})
	})
	return names, err
}

// reseal seals up to rotateBatch records anew, from a name on, and returns
// where to go on.
func (tx *Tx) reseal(collection string, from []byte) (next []byte, more bool, err error) {
	defer damaged(collection, &err)
	records := tx.bolt.Bucket([]byte(collection))
	if records == nil {
		return nil, false, nil
	}
	var stale [][]byte
	cursor := records.Cursor()
	name, raw := cursor.Seek(from)
	for ; name != nil && len(stale) < rotateBatch; name, raw = cursor.Next() {
		_, id, _, err := splitRecord(raw)
		if err != nil {
			return nil, false, recordError(collection, name, err)
		}
		if id != tx.keys.newest().id {
			stale = append(stale, bytes.Clone(name))
		}
	}
	next = bytes.Clone(name)
	for _, name := range stale {
		key, plain, err := tx.keys.openRecord(collection, name, records.Get(name))
		if err != nil {
			return nil, false, err
		}
		if err := tx.forget(records, collection, key); err != nil {
			return nil, false, err
		}
		if err := tx.remember(records, collection, key, plain); err != nil {
			return nil, false, err
		}
	}
	return next, next != nil, nil
}
