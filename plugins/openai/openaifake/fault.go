package openaifake

import (
	"net/http"
	"strconv"
	"time"
)

// Fault is how a fake misbehaves. The zero value is no fault.
type Fault struct {
	Times int // how many requests it befalls; 0 means all, until the next Script

	// Before any output.
	Status     int           // answer with this status and OpenAI's error body for it
	RetryAfter time.Duration // Retry-After of that answer, in whole seconds
	Hang       bool          // accept the request and never answer

	// In a stream, counted in streamed words (deltas, images, pieces of sound).
	CutAfter     int           // end the connection after this many, without a last chunk
	Stall        int           // fall silent after this many, without ending
	ErrorAfter   int           // send an error event after this many, and end
	GarbageAfter int           // send what is no event after this many, and go on
	HugeAfter    int           // send one event of HugeBytes after this many, and go on
	HugeBytes    int           // default 16 MiB
	Endless      bool          // stream words until the caller hangs up
	WordDelay    time.Duration // instead of Config.WordDelay
	NoUsage      bool          // leave usage out even when asked for it
	Failed       bool          // end a stream of a response as failed

	// In an answer that is no stream.
	Garbage   bool          // send no JSON
	CutBytes  int           // end the connection after this many bytes
	WrongSize bool          // announce more bytes than there are
	Trickle   time.Duration // pause before each byte
}

// Script sets the fault of the requests to come. Those under way keep theirs.
func (f *Fake) Script(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// fail answers with a status as OpenAI words it.
func (f *Fake) fail(w http.ResponseWriter, fault Fault) {
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(fault.RetryAfter/time.Second)))
	}
	e := apiError{Message: serverTrouble, Type: "server_error"}
	switch fault.Status {
	case http.StatusUnauthorized:
		e = apiError{Message: "Incorrect API key provided.", Type: "invalid_request_error", Code: "invalid_api_key"}
	case http.StatusForbidden:
		e = apiError{Message: "You have insufficient permissions for this operation.", Type: "invalid_request_error", Code: "insufficient_permissions"}
	case http.StatusTooManyRequests:
		e = apiError{Message: "Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.", Type: "requests", Code: "rate_limit_exceeded"}
	case http.StatusServiceUnavailable:
		e = apiError{Message: "The engine is currently overloaded, please try again later", Type: "server_error"}
	}
	writeError(w, fault.Status, e)
}

const serverTrouble = "The server had an error while processing your request. Sorry about that!"
