package plugins

import (
	"bytes"
	"errors"
	"io"
)

// MaxEventBytes is the default bound of one event. It leaves room for an image
// in base64.
const MaxEventBytes = 8 << 20

// ErrEventTooLong is an event over the reader's bound. None of it was yielded,
// so an error event can follow what was forwarded before.
var ErrEventTooLong = errors.New("the provider sent an event larger than the gateway accepts")

const (
	firstBuffer   = 1 << 10
	maxEmptyReads = 100
)

// EventReader splits a stream of server-sent events (HTML standard, section
// 9.2) into whole events without changing a byte: the events it yields, put
// together, are the input. Lines may end in LF, CRLF or CR. Where the input is
// cut into reads does not matter.
type EventReader struct {
	src io.Reader
	max int
	err error // what src ended with, once it has

	buf        []byte
	start      int // of the event not yet yielded
	end        int // of what has been read
	scan       int // next byte to look at
	lineBegins bool
	ended      lineEnd // how the last line ended
}

type lineEnd int

const (
	unknownEnd lineEnd = iota
	endedLF            // LF or CRLF
	endedCR            // CR alone, as far as seen
)

// NewEventReader reads events of at most limit bytes, blank line included, from
// src; limit 0 means [MaxEventBytes].
func NewEventReader(src io.Reader, limit int) *EventReader {
	if limit <= 0 {
		limit = MaxEventBytes
	}
	return &EventReader{src: src, max: limit, lineBegins: true}
}

// Next returns the next event as received, with the blank line that ends it. The
// slice is valid until the next call. A stream that ends without a blank line
// yields what is left as its last event; then Next returns io.EOF. When reading
// fails in the middle of an event, the part is withheld and the error returned.
// A single blank line counts as an event without data.
func (e *EventReader) Next() ([]byte, error) {
	for {
		if e.advance() {
			return e.yield()
		}
		if e.err == io.EOF && e.start < e.end {
			e.scan = e.end
			return e.yield()
		}
		if e.err != nil {
			return nil, e.err
		}
		if e.end-e.start > e.max {
			e.err, e.buf = ErrEventTooLong, nil
			e.start, e.end, e.scan = 0, 0, 0
			return nil, e.err
		}
		e.fill()
	}
}

func (e *EventReader) yield() ([]byte, error) {
	raw := e.buf[e.start:e.scan:e.scan]
	e.start = e.scan
	if len(raw) > e.max {
		e.err, e.buf = ErrEventTooLong, nil
		e.start, e.end, e.scan = 0, 0, 0
		return nil, e.err
	}
	return raw, nil
}

// advance moves scan over whole lines and reports whether it stands behind the
// blank line that ends an event.
//
// A CR may be the first half of a CRLF whose LF has not arrived. On a stream
// that ends its lines in a bare CR, waiting for it would hold a finished event
// back until the next one; there a blank CR line ends the event at once. On all
// other streams the LF is surely on its way.
func (e *EventReader) advance() bool {
	for e.scan < e.end {
		switch e.buf[e.scan] {
		case '\n':
			e.scan++
			if e.lineBegins {
				e.ended = endedLF
				return true
			}
			e.ended, e.lineBegins = endedLF, true
		case '\r':
			if done, more := e.carriageReturn(); done || more {
				return done
			}
		default:
			e.scan++
			e.lineBegins = false
		}
	}
	return false
}

// carriageReturn handles a CR at scan: done ends the event, more wants another
// byte before it can say.
func (e *EventReader) carriageReturn() (done, more bool) {
	blank := e.lineBegins
	if blank && e.ended == endedCR {
		e.scan++
		return true, false
	}
	if e.scan+1 == e.end && e.err == nil {
		return false, true
	}
	e.scan++
	e.ended, e.lineBegins = endedCR, true
	if e.scan < e.end && e.buf[e.scan] == '\n' {
		e.scan++
		e.ended = endedLF
	}
	return blank, false
}

// fill reads more, moving the unfinished event to the front of a buffer that
// never grows beyond the bound by more than one byte.
func (e *EventReader) fill() {
	if e.start > 0 {
		copy(e.buf, e.buf[e.start:e.end])
		e.scan -= e.start
		e.end -= e.start
		e.start = 0
	}
	if e.end == len(e.buf) {
		grown := make([]byte, min(max(2*len(e.buf), firstBuffer), e.max+1))
		copy(grown, e.buf[:e.end])
		e.buf = grown
	}
	for range maxEmptyReads {
		n, err := e.src.Read(e.buf[e.end:])
		e.end += n
		e.err = err
		if n > 0 || err != nil {
			return
		}
	}
	e.err = io.ErrNoProgress
}

// EventData is the data of one event as [EventReader] yields it: the values of
// its data lines, joined by LF. Nil when it has none (a comment, a blank line).
func EventData(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	var data []byte
	found := false
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexAny(raw, "\r\n"); i >= 0 {
			line, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "data" {
			continue
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		if !found {
			data, found = value[:len(value):len(value)], true
			continue // no copy in the usual case of one line
		}
		data = append(append(data, '\n'), value...)
	}
	if found && data == nil {
		return []byte{}
	}
	return data
}
