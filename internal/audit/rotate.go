package audit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	defaultMaxBytes = 32 << 20
	defaultMaxAge   = 30 * 24 * time.Hour
)

// rotateIfDue finishes the file if it has reached its size or age. The chain
// goes on in the next file.
//
// Where the file cannot be finished the log goes on in it: housekeeping must
// not stop the gateway. An error means that there is no file to write to.
func (l *Log) rotateIfDue(now time.Time) error {
	if l.size == 0 || (l.size < l.maxBytes && now.Sub(l.began) < l.maxAge) {
		return nil
	}
	if l.log.Sync() != nil || l.rename(l.path, filepath.Join(l.dir, segmentName(l.segment))) != nil {
		return nil // tried again with the next line
	}
	if err := l.log.Close(); err != nil {
		l.log = nil
		return errors.Join(err, l.head.Close())
	}
	next, err := l.openFile(l.path, os.O_APPEND)
	if err != nil {
		l.log = nil
		return errors.Join(err, l.head.Close())
	}
	l.log, l.size, l.began = next, 0, now
	l.opened.start = 0
	l.segment++
	if err := syncDir(l.dir); err != nil {
		return errors.Join(err, l.drop())
	}
	return nil
}

// firstTime is when the first line of the file was written, or now.
func (l *Log) firstTime() time.Time {
	errFound := io.EOF
	at := l.clock()
	_ = eachLine(io.NewSectionReader(l.log, 0, l.size), func(raw []byte) error {
		if ln, _, err := l.chain.decode(raw[:len(raw)-1]); err == nil {
			at = ln.Time
		}
		return errFound
	})
	return at
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
