package store

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// layout is the newest file format and how to get there.
type layout struct {
	format uint32
	// steps lead from the format that is their key to the next one.
	steps map[uint32]migration
}

// migration returns what becomes of one record's JSON in the next format.
type migration func(collection, key string, plain []byte) ([]byte, error)

// migrate brings an older file to the layout's format, in one commit. A copy
// of the file as it was is on disk before anything is changed; it needs the
// host key of its time.
func (s *Store) migrate(found contents, l layout) error {
	if err := s.copyDatabase(found.format); err != nil {
		return fmt.Errorf("copying database before migrating it: %w", err)
	}
	return guarded(func() error {
		return s.db.Update(func(b *bolt.Tx) error {
			for v := found.format; v < l.format; v++ {
				step := l.steps[v]
				if step == nil {
					return fmt.Errorf("migrating database: no way from format %d to %d", v, v+1)
				}
				keys := s.keys.Load()
				if err := step.apply(b, keys.inFormat(v), keys.inFormat(v+1)); err != nil {
					return fmt.Errorf("migrating database to format %d: %w", v+1, err)
				}
			}
			return nil
		})
	})
}

// copyName is where the database of an older format is kept.
func copyName(dir string, version uint32) string {
	return filepath.Join(dir, fmt.Sprintf("%s.format-%d", databaseFile, version))
}

func (s *Store) copyDatabase(version uint32) error {
	from, err := os.Open(s.db.Path())
	if err != nil {
		return err
	}
	defer from.Close()
	return s.disk.replaceWith(copyName(s.cfg.Dir, version), func(to *os.File) error {
		_, err := io.Copy(to, from)
		return err
	})
}

func (step migration) apply(b *bolt.Tx, from, to *keyring) error {
	h, err := readHead(b, from)
	if err != nil {
		return err
	}
	tx := &Tx{bolt: b, keys: to, head: &h}
	var collections []string
	err = b.ForEach(func(name []byte, _ *bolt.Bucket) error {
		if !bytes.Equal(name, metaBucket) {
			collections = append(collections, string(name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if err := step.collection(tx, collection, from); err != nil {
			return err
		}
	}
	if err := b.Bucket(metaBucket).Put(formatKey, marshalFormat(to.format)); err != nil {
		return err
	}
	return writeHead(b, to, h)
}

func (step migration) collection(tx *Tx, collection string, from *keyring) error {
	records := tx.bolt.Bucket([]byte(collection))
	old := map[string][]byte{} // by key
	err := records.ForEach(func(name, raw []byte) error {
		key, plain, err := from.openRecord(collection, name, raw)
		if err == nil {
			old[key], err = step(collection, key, plain)
		}
		return err
	})
	if err != nil {
		return err
	}
	for key, plain := range old {
		if err := tx.forget(records, collection, key); err != nil {
			return err
		}
		if err := tx.remember(records, collection, key, plain); err != nil {
			return err
		}
	}
	return nil
}
