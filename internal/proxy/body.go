package proxy

import (
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
	"time"
)

const firstBodyBuffer = 64 << 10

// body is the client's request body: read once, whole, bounded in size and
// time, whoever asks first.
type body struct {
	request *http.Request
	control *http.ResponseController
	limit   int64         // bytes
	timeout time.Duration // for all of it
	memory  *memory
	appID   string // whose share of the memory it takes; set before it is read
	large   *large // where it is kept when that is not the memory; nil for a body that is held

	claimed int64 // of memory, given back by free
	done    bool
	data    []byte
	err     error

	mu      sync.Mutex // guards what follows
	reading bool
	stopped bool
}

// begin starts the time. A client that sends no body after a refusal cannot
// hold the connection either: the server reads on only until the deadline,
// which it lifts when the body has been read to its end.
func (b *body) begin() {
	if b.request.ContentLength != 0 {
		_ = b.control.SetReadDeadline(time.Now().Add(b.timeout))
	}
}

// read returns a body that is held in memory. Errors: errBodyTooLarge,
// errBodyMemory, errBodyRead.
func (b *body) read() ([]byte, error) {
	err := b.take()
	return b.data, err
}

// take reads the body, if that has not been done. Errors are those of read, and
// those of the disk for a large one.
func (b *body) take() error {
	if b.done {
		return b.err
	}
	b.done = true
	if !b.setReading(true) {
		b.err = errBodyRead
		return b.err
	}
	defer b.setReading(false)
	if b.large != nil {
		b.err = b.spool()
	} else {
		b.data, b.err = b.readOnce()
	}
	return b.err
}

// size is how many bytes were read.
func (b *body) size() int64 {
	if b.large != nil && b.large.spool != nil {
		return b.large.spool.Size()
	}
	return int64(len(b.data))
}

// sum is the SHA-256 of the body, for a proof that is bound to it.
func (b *body) sum() ([sha256.Size]byte, error) {
	if err := b.take(); err != nil {
		return [sha256.Size]byte{}, err
	}
	if b.large != nil {
		return b.large.spool.Sum(), nil
	}
	return sha256.Sum256(b.data), nil
}

func (b *body) readOnce() ([]byte, error) {
	announced := b.request.ContentLength
	if announced == 0 {
		return nil, nil
	}
	if announced > b.limit {
		return nil, errBodyTooLarge
	}
	var data []byte
	for {
		if len(data) == cap(data) {
			var err error
			if data, err = b.grow(data); err != nil {
				return nil, err
			}
		}
		n, err := b.request.Body.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > b.limit:
			return nil, errBodyTooLarge
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, errBodyRead
		}
	}
}

// grow claims memory as bytes arrive: what a client only announces must not
// take anything from others. There is room for one byte more than may come,
// to see the end.
func (b *body) grow(data []byte) ([]byte, error) {
	most := b.limit
	if announced := b.request.ContentLength; announced > 0 {
		most = announced
	}
	size := min(max(2*int64(cap(data)), firstBodyBuffer), most+1)
	more := size - int64(cap(data))
	if !b.memory.claim(b.appID, more) {
		return nil, errBodyMemory
	}
	b.claimed += more
	return append(make([]byte, 0, size), data...), nil
}

func (b *body) setReading(on bool) (ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = on && !b.stopped
	return !b.stopped
}

// stop ends a read that is under way and forbids a later one. When the body
// has been read, the connection is left alone.
func (b *body) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if b.reading {
		_ = b.control.SetReadDeadline(time.Now())
	}
}

// free gives the memory back; the data must not be used afterwards.
func (b *body) free() {
	if b.large != nil {
		b.large.free(b.appID)
	}
	b.memory.release(b.appID, b.claimed)
	b.claimed, b.data = 0, nil
}
