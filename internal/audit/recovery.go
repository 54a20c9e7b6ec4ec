package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// opening says what the log found when it last opened the file.
type opening struct {
	count int   // how often it was opened
	start int64 // where the first line written since then begins
}

// ending is the end of the log file as found.
type ending struct {
	size int64 // bytes of whole lines
	torn int64 // bytes of a half-written line after them
	last position
	err  error // why last is not to be trusted; nil when it is, or the log is empty
}

// open opens both files, cuts a torn last line, continues the chain, and
// records what it found amiss.
func (l *Log) open() (err error) {
	if l.head, err = l.openFile(l.headPath, 0); err != nil {
		return err
	}
	if err = l.openLog(); err != nil {
		err = errors.Join(err, l.head.Close())
		l.log, l.head = nil, nil
		return err
	}
	if err = syncDir(l.dir); err == nil {
		err = l.continueChain()
	}
	if err != nil {
		if l.log != nil {
			err = errors.Join(err, l.drop())
		}
		return err
	}
	return nil
}

// openLog opens the file that is to be written.
func (l *Log) openLog() error {
	f, err := l.openFile(l.path, os.O_APPEND)
	if err != nil {
		return err
	}
	if l.mine, err = f.Stat(); err != nil {
		return errors.Join(err, f.Close())
	}
	l.log = f
	return nil
}

func (l *Log) continueChain() error {
	numbers, err := finished(l.dir)
	if err != nil {
		return err
	}
	end, err := l.chain.findEnd(l.log)
	if err != nil {
		return err
	}
	if end.size == 0 && len(numbers) > 0 { // the file was finished and not yet followed
		if err := l.endOf(numbers[len(numbers)-1], &end); err != nil {
			return err
		}
	}
	head, known := l.chain.readHead(l.head)
	if l.at.seq > head.seq { // this process has seen a later one
		head, known = l.at, true
	}
	at, notes, err := l.place(end, head, known)
	if err != nil {
		return err
	}
	if end.torn > 0 {
		if err := l.log.Truncate(end.size); err != nil {
			return err
		}
		notes = append(notes, fmt.Sprintf("cut a half-written line of %d bytes", end.torn))
	}
	l.at, l.size = at, end.size
	l.segment = 1
	if len(numbers) > 0 {
		l.segment = numbers[len(numbers)-1] + 1
	}
	l.began = l.firstTime()
	l.opened = opening{count: l.opened.count + 1, start: end.size}
	if err := l.writeHead(); err != nil {
		return err
	}
	if len(notes) == 0 {
		return nil
	}
	return l.write([]Event{{Kind: AuditRecovered, Actor: Gateway, Detail: strings.Join(notes, "; ")}})
}

// place chooses where the chain goes on. The file is the truth as long as
// its last line verifies and the head knows of no later one. Otherwise the
// chain goes on from the head, so that the gap stays visible to Verify.
func (l *Log) place(end ending, head position, known bool) (at position, notes []string, err error) {
	switch {
	case end.err == nil && end.last.seq >= head.seq:
		if !known && end.last.seq > 0 {
			notes = append(notes, headFile+" was missing or altered: lines may be missing before this one")
		}
		return end.last, notes, nil
	case end.err == nil:
		return head, append(notes, fmt.Sprintf("lines %d to %d are missing", end.last.seq+1, head.seq)), nil
	}
	notes = append(notes, "the last line "+end.err.Error())
	if known {
		return head, notes, nil
	}
	notes = append(notes, headFile+" was missing or altered")
	at, err = l.lastGood(end.size)
	return at, notes, err
}

// endOf takes the last line from a finished file.
func (l *Log) endOf(number int, end *ending) error {
	done, err := openSegment(l.dir, number)
	if err != nil {
		return err
	}
	last, err := l.chain.findEnd(done.file)
	if err := errors.Join(err, done.file.Close()); err != nil {
		return err
	}
	end.last, end.err = last.last, last.err
	if last.torn > 0 { // which this package never leaves there
		end.err = errNotALine
	}
	return nil
}

// readable is a file of the log, whoever writes it.
type readable interface {
	io.ReaderAt
	Stat() (os.FileInfo, error)
}

// findEnd reads the file backwards to its last whole line.
func (c chain) findEnd(f readable) (ending, error) {
	info, err := f.Stat()
	if err != nil {
		return ending{}, err
	}
	back := backwards{r: f, end: info.Size()}
	torn, err := back.previous() // what follows the last newline
	if err != nil && !errors.Is(err, io.EOF) {
		return ending{}, err
	}
	end := ending{size: info.Size() - torn.length, torn: torn.length}
	if end.size == 0 {
		return end, nil
	}
	raw, err := back.previous()
	if err != nil && !errors.Is(err, io.EOF) {
		return ending{}, err
	}
	_, end.last, end.err = c.decode(raw.text)
	return end, nil
}

// lastGood reads the whole log for the last line that verifies.
func (l *Log) lastGood(size int64) (position, error) {
	numbers, err := finished(l.dir)
	if err != nil {
		return position{}, err
	}
	var last position
	look := func(r io.ReaderAt, size int64) error {
		return eachLine(io.NewSectionReader(r, 0, size), func(raw []byte) error {
			if _, at, err := l.chain.decode(bytes.TrimSuffix(raw, []byte("\n"))); err == nil && at.seq > last.seq {
				last = at
			}
			return nil
		})
	}
	for _, n := range numbers {
		done, err := openSegment(l.dir, n)
		if err != nil {
			return last, err
		}
		if err := errors.Join(look(done.file, done.size), done.file.Close()); err != nil {
			return last, err
		}
	}
	return last, look(l.log, size)
}
