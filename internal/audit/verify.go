package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxBreaks bounds a report; a log with more is beyond a list.
const maxBreaks = 100

// Report is what Verify found.
type Report struct {
	// Lines is the number of lines in the file.
	Lines int `json:"lines"`
	// Breaks names every place where the chain does not hold, at most 100.
	Breaks []BrokenError `json:"breaks,omitempty"`
}

// BrokenError names a line at which the chain does not hold.
type BrokenError struct {
	// Line counts the lines of the file from 1. Lines missing at the end are
	// named by the line that would follow the last.
	Line int `json:"line"`
	// Reason completes the sentence "line N …".
	Reason string `json:"reason"`
}

func (e *BrokenError) Error() string { return fmt.Sprintf("audit log, line %d %s", e.Line, e.Reason) }

// Verify reads the whole log and checks every link. Appending goes on
// meanwhile; lines added after the call are not covered.
// Errors: *BrokenError for the first break, or the operating system's.
func (l *Log) Verify() (Report, error) {
	l.mu.Lock()
	at, size, extra := l.at, l.size, l.log != nil && l.outgrown()
	l.mu.Unlock()

	check := checker{chain: l.chain}
	if err := l.eachLine(size, check.line); err != nil {
		return check.report, fmt.Errorf("reading audit log: %w", err)
	}
	check.end(at, extra)
	if len(check.report.Breaks) > 0 {
		return check.report, &check.report.Breaks[0]
	}
	return check.report, nil
}

// outgrown reports whether something else has written to the file.
func (l *Log) outgrown() bool {
	info, err := l.log.Stat()
	return err == nil && info.Size() > l.size
}

// eachLine calls fn with each line of the file's first size bytes.
func (l *Log) eachLine(size int64, fn func(raw []byte) error) error {
	f, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // all lines are missing, which the end of the check tells
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return eachLine(io.NewSectionReader(f, 0, size), fn)
}

// checker walks the chain. After a break it goes on from what it found, so
// that one altered line is one break and not a break on every line after it.
type checker struct {
	chain  chain
	report Report
	last   position
	lost   bool // last.mac could not be read
}

func (c *checker) line(raw []byte) error {
	c.report.Lines++
	text, whole := bytes.CutSuffix(raw, []byte("\n"))
	ln, at, err := c.chain.decode(text)
	if err == nil && !whole {
		err = errNotALine
	}
	switch {
	case errors.Is(err, errNotALine):
		c.broken(err.Error())
		c.last.seq++
		c.lost = true
		return nil
	case err != nil:
		c.broken(err.Error())
		at.seq = c.last.seq + 1
	case at.seq > c.last.seq+1:
		c.broken("stands where " + lines(c.last.seq+1, at.seq-1) + " should: removed or moved")
	case at.seq <= c.last.seq:
		c.broken(fmt.Sprintf("is number %d, after number %d: repeated or moved", at.seq, c.last.seq))
		return nil
	case ln.Prev != c.last.mac && !c.lost:
		c.broken("does not follow from the line before it")
	}
	c.last, c.lost = at, false
	return nil
}

// end compares what was read with what the log knows that it wrote.
func (c *checker) end(at position, extra bool) {
	c.report.Lines++
	switch {
	case c.last.seq < at.seq:
		c.broken("is the end of the file, where " + lines(c.last.seq+1, at.seq) + " should be: removed")
	case !c.lost && c.last != at:
		c.broken("is the end of the file, and the line before it is not the last that was written")
	case extra:
		c.broken("was not written by the gateway")
	}
	c.report.Lines--
}

func (c *checker) broken(reason string) {
	if len(c.report.Breaks) < maxBreaks {
		c.report.Breaks = append(c.report.Breaks, BrokenError{Line: c.report.Lines, Reason: reason})
	}
}

func lines(first, last int64) string {
	if first == last {
		return fmt.Sprintf("number %d", first)
	}
	return strings.Join([]string{"numbers", fmt.Sprint(first), "to", fmt.Sprint(last)}, " ")
}
