package proxy

import (
	"io"
	"maps"
	"net/http"
)

// pieces is an answer on its way to the client.
type pieces interface {
	// next is the next piece, which is good until the one after it; io.EOF
	// after the last.
	next() ([]byte, error)
	// Close ends it. If there is more, it may first be read for its usage.
	io.Closer
}

// relay passes an answer on. Informational answers (1xx) and trailers of the
// provider's go nowhere. Errors: whatever keeps the answer from being whole.
func (x *exchange) relay(res *http.Response) error {
	defer x.answer.Close()
	if !x.atOnce {
		return x.relayShort(res)
	}
	maps.Copy(x.reply.Header(), res.Header)
	x.reply.WriteHeader(res.StatusCode)
	if err := x.flush(); err != nil {
		return err
	}
	for {
		piece, err := x.answer.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := x.pass(piece); err != nil {
			return err
		}
	}
}

// relayShort passes on an answer of a known and small length, once it is there.
// One that breaks off is refused in words, since nothing of it has gone out; what
// it cost until then is charged all the same.
func (x *exchange) relayShort(res *http.Response) error {
	body, err := x.gather()
	if err != nil {
		x.refuse(x.reason(err))
		return nil
	}
	maps.Copy(x.reply.Header(), res.Header)
	x.reply.WriteHeader(res.StatusCode)
	return x.pass(body)
}

// gather reads an answer to its end. Nearly always it comes in one piece.
func (x *exchange) gather() (body []byte, err error) {
	for {
		piece, err := x.answer.next()
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		case body == nil && x.whole:
			body = piece // there is none after it
		default:
			body = append(body[:len(body):len(body)], piece...)
		}
	}
}

// pass writes a piece. A large one takes several writes: each has a deadline
// of its own.
func (x *exchange) pass(piece []byte) error {
	for len(piece) > 0 {
		if x.clientGone() {
			return errClientGone
		}
		x.given = true
		n, err := x.reply.Write(piece[:min(len(piece), bufferBytes)])
		if err == nil {
			err = x.flush()
		}
		if err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

// flush sends what was written, but of a short answer, of which head, body and
// end go out together.
func (x *exchange) flush() error {
	switch {
	case !x.atOnce:
		return nil
	case x.clientGone():
		return errClientGone
	}
	return x.reply.FlushError()
}
