// Package store keeps Keywicket's records in one bbolt file.
//
// It guarantees that a record read back is the record last written under that
// name: every value is sealed under the host key with associated data naming
// the format, the collection, the key and a version, and a sealed head binds
// the set of all records, so a value that was moved, swapped, truncated,
// removed or put back from an older copy of the file is refused rather than
// served. Key names are stored as keyed hashes and reveal nothing.
//
// It refuses to open a file that another process holds, that a newer gateway
// wrote, or whose host key is missing or readable by others. It knows nothing
// of what the records mean, and nothing above it knows about bbolt.
//
//	host.key (0600)  ── sealing keyset (Tink AEAD)  ── every value, the head
//	                 └─ naming keyset  (Tink PRF)   ── key names, head terms, Derive
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// format is the version of the file layout. It is part of every value's
// associated data.
const format = 1

const (
	databaseFile = "keywicket.db"
	openTimeout  = 300 * time.Millisecond
)

var (
	// ErrNotFound says that no record of that key exists.
	ErrNotFound = errors.New("record not found")
	// ErrInUse says that another process has the data directory open.
	ErrInUse = errors.New("data directory is in use by another gateway: stop it first, or choose another with --data")
	// ErrNewerFormat says that the file was written by a newer gateway. The
	// file has not been touched.
	ErrNewerFormat = errors.New("database was written by a newer gateway: upgrade this one")
	// ErrHostKey says that the host key is missing, unreadable, readable by
	// others, or not the one that sealed the database.
	ErrHostKey = errors.New("host key")
	// ErrCorrupt says that something in the database is not what was written.
	ErrCorrupt = errors.New("database is damaged or was altered: restore it from a backup")
)

// Config says where the data is.
type Config struct {
	// Dir is the data directory; required. It is created 0700 when absent.
	Dir string
	// EpochFile remembers, outside the database, how far it had come; default
	// "epoch" in Dir. A file on another disk also notices when all of Dir is
	// put back from an old copy.
	EpochFile string
	// Clock dates backups; default time.Now.
	Clock func() time.Time
}

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	db   *bolt.DB
	keys *hostKey
}

// Open opens the database in cfg.Dir, creating it and its host key when both
// are absent. It checks the head against every record before it returns.
//
// Errors: ErrInUse, ErrNewerFormat, ErrHostKey, ErrCorrupt, or the operating
// system's.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("opening store: Config.Dir is required")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating data directory: %w", err)
	}
	path := filepath.Join(cfg.Dir, databaseFile)
	_, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	keys, err := loadHostKey(cfg.Dir, fresh)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(path)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, keys: keys}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// openDatabase turns a panic of bbolt on a damaged file into ErrCorrupt.
func openDatabase(path string) (db *bolt.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w (%v)", ErrCorrupt, r)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w (%w)", ErrCorrupt, err)
	case err != nil:
		return nil, fmt.Errorf("opening database: %w", err)
	}
	return db, nil
}

// Close waits for running transactions and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// View runs fn in a read-only transaction on one consistent state.
func (s *Store) View(fn func(*Tx) error) error {
	return s.db.View(func(b *bolt.Tx) error {
		return fn(&Tx{bolt: b, keys: s.keys})
	})
}

// Update runs fn in a read-write transaction and returns after it is on disk.
// When fn returns an error nothing of it is kept.
func (s *Store) Update(fn func(*Tx) error) error {
	return s.db.Update(s.writing(fn))
}

// Batch is Update for many concurrent callers: their transactions share one
// disk sync, for which a caller may wait some milliseconds. fn may be run more
// than once, so it must write absolute values and have no other effect.
func (s *Store) Batch(fn func(*Tx) error) error {
	return s.db.Batch(s.writing(fn))
}

// Derive returns 32 bytes made from the host key for one purpose: the same on
// every start, and unrelated to those of any other purpose.
func (s *Store) Derive(purpose string) []byte {
	return s.keys.prf("derive", purpose)
}

func (s *Store) writing(fn func(*Tx) error) func(*bolt.Tx) error {
	return func(b *bolt.Tx) error {
		h, err := readHead(b, s.keys)
		if err != nil {
			return err
		}
		before := h
		tx := &Tx{bolt: b, keys: s.keys, head: &h}
		if err := fn(tx); err != nil {
			return err
		}
		if h == before {
			return nil
		}
		return writeHead(b, s.keys, h)
	}
}
