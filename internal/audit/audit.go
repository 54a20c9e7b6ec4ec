// Package audit keeps the append-only record of every decision: who asked for
// what, what was decided, what it cost.
//
// It guarantees that Append returns nil only once the whole line has been
// handed to the operating system in one write, so that killing the process
// loses no acknowledged line, and that a line changed, removed, reordered or
// inserted later is found and named by Verify. When a line cannot be written
// Append says so, and its caller must refuse what the line was to record; the
// log recovers by itself once writing is possible again.
//
// It refuses to hold bodies, prompts or secrets (no field exists for them),
// and to repair silently: whatever it finds missing at the end of the file it
// records as an audit.recovered line.
//
// A file that is large or old enough is finished and gets a number, and the
// chain goes on in the next. Finished files are kept until somebody removes
// them, which Verify then tells.
//
// It does not sync each line to disk, so a power cut can take the last lines;
// they are then reported as missing. And somebody who can write in the data
// directory can put back an older copy of all of its files unnoticed, once
// the process has ended; they cannot write lines of their own without the key.
//
//	audit-000001.jsonl   {"seq":1,…,"prev":"","mac":M1}      Mn = HMAC-SHA256(key, line n without "mac")
//	                     {"seq":2,…,"prev":M1,"mac":M2}
//	audit.jsonl          {"seq":3,…,"prev":M2,"mac":M3}      the file being written
//	audit.head           n, Mn, HMAC of both: shows when lines are missing at the end
package audit

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	headFile = "audit.head"
	keyBytes = 32
)

var (
	// ErrUnavailable means that a line could not be written. Whatever it was
	// to record must be refused.
	ErrUnavailable = errors.New("audit log cannot be written: check free space and permissions of the data directory")
	// ErrClosed means that the log was closed.
	ErrClosed = errors.New("audit log is closed")
)

// Config says where the log lives.
type Config struct {
	// Dir is the data directory, which exists. Required.
	Dir string
	// Key is the 32-byte key of the chain. Required.
	Key []byte
	// Clock dates the lines. Default time.Now.
	Clock func() time.Time
	// MaxBytes is the size from which a file is finished. Default 32 MiB.
	MaxBytes int64
	// MaxAge is the age of its first line from which a file is finished, when
	// the next line is written. Default 30 days.
	MaxAge time.Duration
}

// Log is an open audit log. Its methods may be called concurrently. One
// process at a time may hold a data directory's log; the store sees to that.
type Log struct {
	dir, path, headPath string
	chain               chain
	clock               func() time.Time
	maxBytes            int64
	maxAge              time.Duration
	openFile            func(path string, flag int) (file, error)
	rename              func(from, to string) error

	joining sync.Mutex
	next    *batch  // takes further lines; nil when the next line begins one
	spare   []Event // room for those of a batch to come
	alone   int     // writes of one line each since the last of several

	finishing sync.WaitGroup // files that were finished and are being synced

	mu         sync.Mutex
	closed     bool
	log        file        // nil after a failure that could not be undone
	mine       os.FileInfo // what it was when it was opened
	buffer     []byte      // reused
	head       file
	headStale  bool
	headBuffer []byte    // reused
	at         position  // the last line written
	size       int64     // bytes of acknowledged lines in the file
	segment    int       // the number that the file will have
	began      time.Time // when its first line was written
	opened     opening
	changed    chan struct{} // closed at the next line; nil while nobody waits
}

// New opens the log in Config.Dir, or begins it, and recovers its end.
// Errors: ErrUnavailable, wrapped.
func New(cfg Config) (*Log, error) {
	l, err := newLog(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening audit log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("opening audit log: %w (%w)", ErrUnavailable, err)
	}
	return l, nil
}

func newLog(cfg Config) (*Log, error) {
	if cfg.Dir == "" {
		return nil, errors.New("Config.Dir is required")
	}
	if len(cfg.Key) != keyBytes {
		return nil, fmt.Errorf("Config.Key must be %d bytes", keyBytes)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.MaxBytes < 0 || cfg.MaxAge < 0 {
		return nil, errors.New("Config.MaxBytes and Config.MaxAge must not be negative")
	}
	return &Log{
		dir:      cfg.Dir,
		path:     filepath.Join(cfg.Dir, logFile),
		headPath: filepath.Join(cfg.Dir, headFile),
		chain:    newChain(cfg.Key),
		clock:    cfg.Clock,
		maxBytes: cmp.Or(cfg.MaxBytes, defaultMaxBytes),
		maxAge:   cmp.Or(cfg.MaxAge, defaultMaxAge),
		openFile: openFile,
		rename:   os.Rename,
	}, nil
}

// Close syncs and closes the log. Followers end; Append refuses from now on.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.wake()
	l.finishing.Wait()
	if l.log == nil {
		return nil
	}
	err := errors.Join(l.log.Sync(), l.head.Sync())
	return errors.Join(err, l.drop())
}

// ready makes sure that the files are open, still at their paths, and that the
// head is up to date.
func (l *Log) ready() error {
	if l.log != nil && !l.inPlace() {
		_ = l.drop() // what matters is the file now at the path
	}
	if l.log == nil {
		return l.open()
	}
	if l.headStale {
		return l.writeHead()
	}
	return nil
}

// inPlace reports whether the open file is the one at the path and ends where
// the last line ended. Lines written to a file that was moved away or removed
// would be acknowledged and lost.
func (l *Log) inPlace() bool {
	there, err := os.Lstat(l.path)
	return err == nil && there.Size() == l.size && os.SameFile(l.mine, there)
}
