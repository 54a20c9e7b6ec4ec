// Package fakeupstream is what the stand-ins of providers have in common: they
// remember every request they saw, can be told to misbehave, and listen on
// loopback only. What a stand-in says is its own package's.
//
// It serves tests and demonstrations. It keeps at most [MaxRequests] requests.
package fakeupstream

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// MaxRequests is how many requests are remembered in full; Count goes on.
const MaxRequests = 10_000

const maxBody = 64 << 20

// Upstream records requests and deals out faults. It is safe for concurrent use.
type Upstream struct {
	clock func() time.Time

	mu       sync.Mutex
	fault    Fault
	requests []Request
	count    int
	running  int
	gone     int
	changed  chan struct{} // closed and replaced whenever a counter moves
}

// New returns an upstream that dates requests by clock; nil means time.Now.
func New(clock func() time.Time) *Upstream {
	if clock == nil {
		clock = time.Now
	}
	return &Upstream{clock: clock, changed: make(chan struct{})}
}

// Call is a request on its way to be answered.
type Call struct {
	Number int // from 1
	Body   []byte
	Fault  Fault
	Err    error // the body could not be read, or is larger than 64 MiB
}

// Serve records the request and has it answered, unless it is to hang.
func (u *Upstream) Serve(w http.ResponseWriter, r *http.Request, answer func(Call)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	number, fault := u.began(r, body)
	defer u.ended(r)
	if fault.Hang {
		<-r.Context().Done()
		return
	}
	answer(Call{Number: number, Body: body, Fault: fault, Err: err})
}
