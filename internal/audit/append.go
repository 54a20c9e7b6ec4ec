package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// file is what the log needs of *os.File; tests put failing ones in its place.
type file interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	Truncate(size int64) error
	Sync() error
	Stat() (os.FileInfo, error)
	Close() error
}

// openFile refuses to follow a symbolic link, which could lead the log out of
// the data directory, and closes a file to others that was open to them.
func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag|os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err == nil && info.Mode().Perm() != 0o600 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// write appends a line for each event, all in one write(2), in the next file
// if that is due. A write that fails half-way is undone; if that fails too, the
// files are dropped and opening them again cuts the torn line.
func (l *Log) write(events []Event) (err error) {
	now := l.clock()
	if err := l.rotateIfDue(now); err != nil {
		return err
	}
	raw, next := l.buffer[:0], l.at
	for i := range events {
		e := &events[i]
		if e.Time.IsZero() {
			e.Time = now
		}
		e.Time = e.Time.UTC().Truncate(time.Microsecond)
		if raw, next, err = l.chain.encode(raw, e, next); err != nil {
			return err
		}
	}
	l.buffer = raw
	n, err := l.log.Write(raw)
	if err == nil && n < len(raw) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return errors.Join(err, l.undo(n))
	}
	l.at, l.size = next, l.size+int64(n)
	_ = l.writeHead() // a head that lags is made good before the next line
	l.wake()
	return nil
}

func (l *Log) undo(written int) error {
	if written <= 0 {
		return nil
	}
	if err := l.log.Truncate(l.size); err != nil {
		return errors.Join(err, l.drop())
	}
	return nil
}

func (l *Log) drop() error {
	err := errors.Join(l.log.Close(), l.head.Close())
	l.log, l.head = nil, nil
	return err
}

func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}
