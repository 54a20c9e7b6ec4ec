package proxy

import (
	"io"
)

// pieceBytes is how much of an answer that grows is forwarded at a time.
const pieceBytes = 1 << 10

// answer is a provider's answer that is not an event stream. Its bytes go on
// as they come; one that breaks off, or grows beyond the limits, breaks the
// client's connection, which is the only way to say so once it has begun.
type answer struct {
	x     *exchange
	src   *source
	scrub scrubber
	buf   []byte
	ready []byte // at the front of buf
	held  []byte // behind it: perhaps the beginning of a key
	err   error  // what the provider's side ended with
}

func (x *exchange) newAnswer(src *source, scrub scrubber) *answer {
	a := &answer{x: x, src: src, scrub: scrub, buf: x.p.buffers.Get()}
	if room := 2 * longest(scrub.key); room > len(a.buf) {
		a.buf = make([]byte, room)
	}
	return a
}

// next implements pieces.
func (a *answer) next() ([]byte, error) {
	for len(a.ready) == 0 {
		if a.err != nil {
			return nil, a.err
		}
		a.fill()
	}
	piece := a.ready
	a.ready = nil
	return piece, nil
}

func (a *answer) fill() {
	kept := copy(a.buf, a.held)
	room := a.buf[kept:]
	if a.x.facts.Stream { // what is covered, or cut, at a time
		room = room[:min(len(room), pieceBytes)]
	}
	n, err := a.src.Read(room)
	data := a.buf[:kept+n]
	a.x.meter.Body(data[kept:])
	if a.x.facts.Stream && n > 0 {
		if full := a.x.grow(); full != nil {
			data, err = nil, full // nothing of it is forwarded
		}
	}
	a.scrub.mask(data)
	open := 0
	switch {
	case err == nil:
		open = a.scrub.open(data)
	case err == io.EOF:
		a.x.whole = true
	default:
		a.x.endsWith(refusalOf(a.x.reason(err)))
	}
	a.ready, a.held, a.err = data[:len(data)-open], data[len(data)-open:], err
}

// Close implements io.Closer. If the client has gone before the provider was
// done, it first reads on for the usage.
func (a *answer) Close() error {
	if a.err == nil {
		a.x.abandon()
		a.x.drain(a.src, func() error { a.fill(); return a.err })
	}
	a.x.p.buffers.Put(a.buf)
	a.buf, a.ready, a.held, a.err = nil, nil, nil, io.ErrClosedPipe
	return a.src.body.Close()
}
