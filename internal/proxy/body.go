package proxy

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

const firstBodyBuffer = 64 << 10

// body is the client's request body: read once, whole, bounded in size and
// time, whoever asks first.
type body struct {
	request *http.Request
	control *http.ResponseController
	limit   int64         // bytes
	timeout time.Duration // for all of it
	memory  *semaphore.Weighted

	claimed int64 // of memory, given back by free
	done    bool
	data    []byte
	err     error
}

// begin starts the time. A client that sends no body after a refusal cannot
// hold the connection either: the server reads on only until the deadline,
// which it lifts when the body has been read to its end.
func (b *body) begin() {
	if b.request.ContentLength != 0 {
		_ = b.control.SetReadDeadline(time.Now().Add(b.timeout))
	}
}

// read returns the body. Errors: errBodyTooLarge, errBodyMemory, errBodyRead.
func (b *body) read() ([]byte, error) {
	if !b.done {
		b.done = true
		b.data, b.err = b.readOnce()
	}
	return b.data, b.err
}

// sum is the SHA-256 of the body, for a proof that is bound to it.
func (b *body) sum() ([sha256.Size]byte, error) {
	data, err := b.read()
	return sha256.Sum256(data), err
}

func (b *body) readOnce() ([]byte, error) {
	announced := b.request.ContentLength
	if announced == 0 {
		return nil, nil
	}
	if announced > b.limit {
		return nil, errBodyTooLarge
	}
	claim := announced
	if claim < 0 {
		claim = b.limit
	}
	if !b.memory.TryAcquire(claim) {
		return nil, errBodyMemory
	}
	b.claimed = claim
	var buf bytes.Buffer
	buf.Grow(int(min(claim, firstBodyBuffer))) // more only as bytes arrive
	if _, err := io.Copy(&buf, io.LimitReader(b.request.Body, b.limit+1)); err != nil {
		return nil, errBodyRead
	}
	if int64(buf.Len()) > b.limit {
		return nil, errBodyTooLarge
	}
	return buf.Bytes(), nil
}

// free gives the memory back; the data must not be used afterwards.
func (b *body) free() {
	if b.claimed > 0 {
		b.memory.Release(b.claimed)
		b.claimed, b.data = 0, nil
	}
}
