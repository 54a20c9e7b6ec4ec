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

	NoUsage bool // leave usage out, even when asked for it

	// In a stream, counted in streamed words (deltas, images, pieces of sound).
	CutAfter     int           // end the connection after this many, without a last event
	ErrorAfter   int           // send the provider's error event after this many, and end
	Stall        int           // fall silent after this many, without ending
	GarbageAfter int           // send what is no event after this many, and go on
	HugeAfter    int           // send one event of HugeBytes after this many, and go on
	HugeBytes    int           // default 16 MiB
	Endless      bool          // stream words until the caller hangs up
	WordDelay    time.Duration // before each word, instead of the stand-in's own
	Failed       bool          // end as failed, where the provider has an event that says so

	// In an answer that is no stream.
	Garbage   bool          // send no JSON
	CutBytes  int           // end the connection after this many bytes
	WrongSize bool          // announce more bytes than there are
	Trickle   time.Duration // pause before each byte
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
