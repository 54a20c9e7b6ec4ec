package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxBreaks bounds a report; a log with more is beyond a list.
const maxBreaks = 100

// Report is what Verify found.
type Report struct {
	// Files and Lines are how many of each the log has.
	Files int `json:"files"`
	Lines int `json:"lines"`
	// Breaks names every place where the chain does not hold, at most 100.
	Breaks []BrokenError `json:"breaks,omitempty"`
}

// BrokenError names a line at which the chain does not hold.
type BrokenError struct {
	// File is the file's name in the data directory.
	File string `json:"file"`
	// Line counts the lines of the file from 1. Lines missing at the end are
	// named by the line that would follow the last, a file that is missing by
	// the first line of the next.
	Line int `json:"line"`
	// Reason completes the sentence "line N …".
	Reason string `json:"reason"`
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("audit log, %s, line %d %s", e.File, e.Line, e.Reason)
}

// Verify reads the whole log, all files of it, and checks every link.
// Appending goes on meanwhile; lines added after the call are not covered.
// Errors: *BrokenError for the first break, or the operating system's.
func (l *Log) Verify() (Report, error) {
	all, err := l.snapshot()
	if err != nil {
		return Report{}, fmt.Errorf("reading audit log: %w", err)
	}
	defer all.close()
	check := checker{chain: l.chain}
	check.report.Files = all.files()
	if err := all.eachLine(check.line); err != nil {
		return check.report, fmt.Errorf("reading audit log: %w", err)
	}
	check.end(all.at, all.extra)
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

// checker walks the chain. After a break it goes on from what it found, so
// that one altered line is one break and not a break on every line after it.
type checker struct {
	chain  chain
	report Report
	file   string
	number int // of the line in the file
	last   position
	lost   bool // last.mac could not be read
}

func (c *checker) line(file string, raw []byte) error {
	if file != c.file {
		c.file, c.number = file, 0
	}
	c.report.Lines++
	c.number++
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
	case ln.Prev != c.last.mac.String() && !c.lost:
		c.broken("does not follow from the line before it")
	}
	c.last, c.lost = at, false
	return nil
}

// end compares what was read with what the log knows that it wrote.
func (c *checker) end(at position, extra bool) {
	if c.file != logFile {
		c.file, c.number = logFile, 0
	}
	c.number++
	switch {
	case c.last.seq < at.seq:
		c.broken("is the end of the file, where " + lines(c.last.seq+1, at.seq) + " should be: removed")
	case !c.lost && c.last != at:
		c.broken("is the end of the file, and the line before it is not the last that was written")
	case extra:
		c.broken("was not written by the gateway")
	}
}

func (c *checker) broken(reason string) {
	if len(c.report.Breaks) < maxBreaks {
		c.report.Breaks = append(c.report.Breaks, BrokenError{File: c.file, Line: c.number, Reason: reason})
	}
}

func lines(first, last int64) string {
	if first == last {
		return fmt.Sprintf("number %d", first)
	}
	return strings.Join([]string{"numbers", fmt.Sprint(first), "to", fmt.Sprint(last)}, " ")
}
