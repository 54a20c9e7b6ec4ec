package proxy

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

var errDrained = errors.New("as much has been drained as may be")

// source reads a provider's answer and stops the exchange when the provider
// falls silent. Only waiting for the provider counts: a slow client is the
// reply's concern.
type source struct {
	body    io.ReadCloser
	silence time.Duration
	timer   *time.Timer
	bounded bool
	left    int64 // bytes that may still be read, when bounded
}

func (x *exchange) newSource(body io.ReadCloser) *source {
	timer := time.AfterFunc(x.p.cfg.Timeouts.Idle, func() { x.cancel(refusalOf(errUpstreamTimeout)) })
	timer.Stop()
	return &source{body: body, silence: x.p.cfg.Timeouts.Idle, timer: timer}
}

// Read implements io.Reader. Errors: errDrained, and those of the body.
func (s *source) Read(p []byte) (int, error) {
	if s.bounded {
		if s.left <= 0 {
			return 0, errDrained
		}
		p = p[:min(int64(len(p)), s.left)]
	}
	s.timer.Reset(s.silence)
	n, err := s.body.Read(p)
	s.timer.Stop()
	s.left -= int64(n)
	return n, err
}

// abandon notes why nobody takes the rest of an answer: the exchange was
// stopped, or else the client went away.
func (x *exchange) abandon() {
	if x.ctx.Err() != nil {
		x.endsWith(refusalOf(context.Cause(x.ctx)))
		return
	}
	x.endsWith(errClientGone)
}

// drain reads on after the client has gone: next takes one piece and says when
// it was the last. It is bounded in bytes and time, and ends at once when the
// exchange is stopped.
func (x *exchange) drain(s *source, next func() error) {
	s.bounded, s.left = true, x.p.cfg.DrainBytes
	if x.facts.OutputAtOnce { // pictures, behind which the report comes
		s.left *= largeDrain
	}
	enough := time.AfterFunc(x.p.cfg.DrainTime, func() { x.cancel(errClientGone) })
	defer enough.Stop()
	for x.ctx.Err() == nil {
		if err := next(); err != nil {
			return
		}
	}
}

// largeDrain is how many times as much is read of an answer that is large.
const largeDrain = 8

const bufferBytes = 16 << 10

// buffers lends the buffers that answers are copied through.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{pool: sync.Pool{New: func() any { return new([bufferBytes]byte) }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferBytes]byte)[:] }

// Put implements httputil.BufferPool.
func (b *buffers) Put(buf []byte) {
	if cap(buf) >= bufferBytes {
		b.pool.Put((*[bufferBytes]byte)(buf[:bufferBytes]))
	}
}
