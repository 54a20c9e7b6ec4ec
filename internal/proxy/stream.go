package proxy

import (
	"bytes"
	"context"
	"io"

	"github.com/keywicket/keywicket/plugins"
)

// stream turns a provider's event stream into the client's, one whole event
// after the other. When the exchange is stopped or the provider breaks off, it
// ends with an error event instead: always between two events, and with the
// rest of an event that is already on its way.
type stream struct {
	x      *exchange
	src    *source
	events *plugins.EventReader
	scrub  scrubber
	ready  []byte // of the event on its way
	over   bool   // what is ready is the last
	spent  bool   // the provider has nothing more to say
}

func (x *exchange) newStream(src *source, scrub scrubber) *stream {
	return &stream{x: x, src: src, events: plugins.NewEventReader(src, 0), scrub: scrub}
}

// next implements pieces; one event is never joined with the next, so that
// each is flushed by itself.
func (s *stream) next() ([]byte, error) {
	for len(s.ready) == 0 {
		if s.over {
			return nil, io.EOF
		}
		s.advance()
	}
	piece := s.ready
	s.ready = nil
	return piece, nil
}

func (s *stream) advance() {
	forward, err := s.read()
	switch {
	case err == io.EOF:
		s.over = true
	case err != nil:
		s.end(s.x.reason(err))
	case s.x.ctx.Err() != nil: // it came, but too late
		s.end(context.Cause(s.x.ctx))
	default:
		s.ready = forward
	}
}

// read meters one event and returns what of it the client may see: nothing, of
// one that the limits have no room for.
func (s *stream) read() ([]byte, error) {
	raw, err := s.events.Next()
	if err != nil {
		s.spent, s.x.whole = true, err == io.EOF
		return nil, err
	}
	forward := s.x.meter.Event(raw)
	if err := s.x.grow(); err != nil {
		return nil, err
	}
	s.scrub.mask(forward)
	return forward, nil
}

// end makes the error event the last one.
func (s *stream) end(reason error) {
	no := refusalOf(reason)
	s.x.endsWith(no)
	s.over = true
	s.ready = bytes.Clone(s.x.provider.ErrorEvent(no.lastEvent(s.x.id)))
}

// Close implements io.Closer. If the client has gone before the provider was
// done, it first reads on for the usage.
func (s *stream) Close() error {
	if !s.over && !s.spent {
		s.x.abandon()
		s.x.drain(s.src, func() error { _, err := s.read(); return err })
	}
	return s.src.body.Close()
}
