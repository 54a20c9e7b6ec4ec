package fakeupstream

import (
	"net/http"
	"strconv"
	"time"
)

// Fault is how a stand-in misbehaves. The zero value is no fault.
type Fault struct {
	Times int // how many requests it befalls; 0 means all, until the next Script

	Status     int           // answer with this status and the provider's error body for it
	RetryAfter time.Duration // Retry-After of that answer, in whole seconds
	Hang       bool          // accept the request and never answer

	CutAfter   int           // end the connection after this many streamed words, without a last event
	ErrorAfter int           // send the provider's error event after this many streamed words, and end
	Stall      int           // fall silent after this many streamed words, without ending
	Endless    bool          // stream words until the caller hangs up
	WordDelay  time.Duration // before each streamed word, instead of the stand-in's own
	NoUsage    bool          // leave usage out
}

// Script sets the fault of the requests to come. Those under way keep theirs.
func (u *Upstream) Script(fault Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fault = fault
}

// Header puts the fault's Retry-After on an answer.
func (f Fault) Header(h http.Header) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
}
