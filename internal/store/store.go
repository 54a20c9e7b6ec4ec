// Package store keeps Keywicket's records in one bbolt file.
//
// It guarantees that a record read back is the record last written under that
// name: every value is sealed under the host key with associated data naming
// the format, the collection, the key and a version, and a sealed head binds
// the set of all records, so a value that was moved, swapped, truncated,
// removed or put back from an older copy of the file is refused rather than
// served. A whole older file put back is noticed by an epoch kept outside of
// it, and says so until it is accepted. Key names are stored as keyed hashes
// and reveal nothing; the names of collections are in clear.
//
// A commit, a rotation of the host key, a migration, a backup and a restore
// that are cut short at any point leave the old state or the new one. When a
// write fails, reading goes on, and so does writing once it can.
//
// It refuses to open a file that another process holds, that a newer gateway
// wrote, that is damaged, or whose host key is missing or readable by others.
// Every file is looked through before bbolt, which trusts what it reads, sees
// it. It knows nothing of what the records mean, and nothing above it knows
// about bbolt.
//
//	host.key (0600)  ── deriving keyset (Tink PRF), never rotated  ── Derive, the epoch's seal
//	                 └─ generations, two while rotating
//	                     ├─ sealing keyset (Tink AEAD)  ── every value, the head
//	                     └─ naming keyset  (Tink PRF)   ── key names, head terms
//
// Not noticed is a whole old data directory put back with the epoch in it:
// Config.EpochFile may lie on another disk.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// format is the version of the file layout. It is part of every value's
// associated data.
const format = 1

const (
	databaseFile = "keywicket.db"
	epochFile    = "epoch"
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
	// ErrOpenDir says that others may write in the data directory.
	ErrOpenDir = errors.New("data directory can be written by others")
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

func (c Config) withDefaults() Config {
	if c.EpochFile == "" {
		c.EpochFile = filepath.Join(c.Dir, epochFile)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	cfg   Config
	disk  disk
	db    *bolt.DB
	file  *os.File // bbolt's
	keys  atomic.Pointer[keyring]
	epoch *epoch

	lead     chan struct{} // held by whoever commits
	waiting  waiting
	rotation sync.Mutex // held while the host key must stay, or is changed
	restored atomic.Bool
	broken   atomic.Pointer[error]
}

// Open opens the database in cfg.Dir, creating it and its host key when both
// are absent. It reads the whole file and checks structure and head before
// anything is served from it, migrates an older format after taking a copy,
// and finishes a rotation of the host key that was interrupted.
//
// Errors: ErrInUse, ErrOpenDir, ErrNewerFormat, ErrHostKey, ErrCorrupt, or the
// operating system's.
func Open(cfg Config) (*Store, error) { return openWith(cfg, layout{format: format}, disk{}) }

func openWith(cfg Config, l layout, d disk) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("opening store: Config.Dir is required")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating data directory: %w", err)
	}
	if err := checkDir(cfg.Dir); err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg.withDefaults(), disk: d, lead: make(chan struct{}, 1)}
	found, err := s.openDatabase(l)
	if err != nil {
		return nil, err
	}
	if err := s.start(found, l); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// checkDir refuses a directory in which others could put files or links in the
// place of ours.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("opening data directory: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%w (%s, mode %04o): run chmod 700 %s", ErrOpenDir, dir, mode, dir)
	}
	return nil
}

func (s *Store) start(found contents, l layout) error {
	var known bool
	var err error
	if s.epoch, known, err = readEpoch(s.disk, s.cfg.EpochFile, s.keys.Load()); err != nil {
		return err
	}
	if !found.empty && found.format < l.format {
		if err := s.migrate(found, l); err != nil {
			return err
		}
	}
	if err := s.begin(found, known); err != nil {
		return err
	}
	if s.keys.Load().rotating() {
		// Both generations are at hand, so nothing depends on its success;
		// Check says when a rotation is still open.
		_ = s.RotateHostKey(context.Background())
	}
	return nil
}

// openDatabase opens the file with bbolt, after a look through all of it.
func (s *Store) openDatabase(l layout) (found contents, err error) {
	path := filepath.Join(s.cfg.Dir, databaseFile)
	err = guarded(func() (err error) {
		s.db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: openTimeout,
			// The list of free pages is found anew at each start: stored, it
			// would be one more thing that damage can make dangerous.
			NoFreelistSync: true,
			FreelistType:   bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				if err != nil {
					return nil, err
				}
				if found, err = s.inspect(f, l); err != nil {
					return nil, errors.Join(err, f.Close())
				}
				s.file = f
				return f, nil
			},
		})
		return err
	})
	if errors.Is(err, errPanicked) && s.file != nil {
		_ = s.file.Close() // and with it the lock
	}
	switch {
	case err == nil, errors.Is(err, ErrInUse), errors.Is(err, ErrNewerFormat), errors.Is(err, ErrHostKey), errors.Is(err, ErrCorrupt):
		return found, err
	case errors.Is(err, berrors.ErrTimeout):
		return found, ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return found, fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	return found, fmt.Errorf("opening database: %w", err)
}

// inspect takes the lock on the file, which bbolt then finds taken by itself,
// reads the host key, and looks through the file.
func (s *Store) inspect(f *os.File, l layout) (contents, error) {
	if err := lockFile(f, openTimeout); err != nil {
		return contents{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return contents{}, err
	}
	if err := s.disk.sweep(s.cfg.Dir); err != nil {
		return contents{}, err
	}
	fresh := info.Size() == 0
	keys, err := loadHostKey(s.disk, s.cfg.Dir, fresh)
	if err != nil {
		return contents{}, err
	}
	s.keys.Store(keys.inFormat(l.format))
	if fresh {
		return contents{empty: true}, nil
	}
	im, err := readImage(f)
	if err != nil {
		return contents{}, err
	}
	return readContents(im, s.keys.Load(), nil)
}

// lockFile waits for the lock on an open file. Error: ErrInUse.
func lockFile(f *os.File, wait time.Duration) error {
	const pause = 20 * time.Millisecond
	for ; ; wait -= pause {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("locking database: %w", err)
		case wait <= 0:
			return ErrInUse
		}
		time.Sleep(pause)
	}
}

// Close waits for running transactions and closes the file.
func (s *Store) Close() error {
	if s.broken.Load() == nil {
		return s.db.Close()
	}
	// The write that panicked still has bbolt's own lock, so bbolt cannot be
	// closed; what others wait for is the lock on the file.
	return unix.Flock(int(s.file.Fd()), unix.LOCK_UN)
}

// Derive returns 32 bytes made from the host key for one purpose: the same on
// every start and after every rotation of the host key, and unrelated to those
// of any other purpose.
func (s *Store) Derive(purpose string) []byte {
	return compute(s.keys.Load().derive, []string{"derive", purpose})
}
