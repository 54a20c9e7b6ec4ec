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
	if l.rename(l.path, filepath.Join(l.dir, segmentName(l.segment))) != nil {
		return nil // tried again with the next line
	}
	done := l.log
	if err := l.openLog(); err != nil {
		l.log = nil
		return errors.Join(err, done.Close(), l.head.Close())
	}
	l.size, l.began = 0, now
	l.opened.start = 0
	l.segment++
	// A request waits for its line, and must not wait for the disk. If syncing
	// fails, what is lost with the next power cut is lost as the last lines of
	// a file that is being written are: Verify tells.
	l.finishing.Go(func() {
		_ = errors.Join(done.Sync(), done.Close(), syncDir(l.dir))
	})
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
