package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	logFile       = "audit.jsonl"
	segmentPrefix = "audit-"
	segmentSuffix = ".jsonl"
	segmentDigits = 6
)

// segment is one file of the log: the finished ones in the order of their
// numbers, then the one that is being written.
type segment struct {
	name string
	file *os.File // open for reading
	size int64    // bytes of it that count
}

// segmentName names a finished file.
func segmentName(number int) string {
	return fmt.Sprintf("%s%0*d%s", segmentPrefix, segmentDigits, number, segmentSuffix)
}

// finished lists the numbers of the finished files in order.
func finished(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		name, ours := strings.CutPrefix(e.Name(), segmentPrefix)
		digits, whole := strings.CutSuffix(name, segmentSuffix)
		if n, err := strconv.Atoi(digits); ours && whole && err == nil && n > 0 && e.Name() == segmentName(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// snapshot is the whole log at one moment. Finished files do not change, so
// they are opened when their turn comes.
type snapshot struct {
	dir     string
	numbers []int
	last    segment // file is nil when there is none
	at      position
	extra   bool // something else has written to the last file
}

func (l *Log) snapshot() (snapshot, error) {
	l.mu.Lock() // so that no file is finished between listing and opening
	defer l.mu.Unlock()
	numbers, err := finished(l.dir)
	if err != nil {
		return snapshot{}, err
	}
	s := snapshot{dir: l.dir, numbers: numbers, last: segment{name: logFile, size: l.size}, at: l.at}
	s.extra = l.log != nil && l.outgrown()
	s.last.file, err = os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the lines that it had are missing, which Verify tells
	}
	return s, err
}

func (s snapshot) close() {
	if s.last.file != nil {
		_ = s.last.file.Close() // only read
	}
}

// files is how many there are.
func (s snapshot) files() int { return len(s.numbers) + 1 }

// use opens the ith file, oldest first, for the time of fn.
func (s snapshot) use(i int, fn func(segment) error) error {
	if i == len(s.numbers) {
		if s.last.file == nil {
			return nil
		}
		return fn(s.last)
	}
	done, err := openSegment(s.dir, s.numbers[i])
	if err != nil {
		return err
	}
	return errors.Join(fn(done), done.file.Close())
}

func openSegment(dir string, number int) (segment, error) {
	f, err := os.Open(filepath.Join(dir, segmentName(number)))
	if err != nil {
		return segment{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return segment{}, errors.Join(err, f.Close())
	}
	return segment{name: segmentName(number), file: f, size: info.Size()}, nil
}

// eachLine calls fn with each line of the log, oldest first, and the name of
// its file.
func (s snapshot) eachLine(fn func(file string, raw []byte) error) error {
	for i := range s.files() {
		err := s.use(i, func(seg segment) error {
			return eachLine(io.NewSectionReader(seg.file, 0, seg.size), func(raw []byte) error { return fn(seg.name, raw) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}
