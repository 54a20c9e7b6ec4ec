package fakeupstream

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

const hugeEvent = 16 << 20 // bytes

// Stream sends an answer piece by piece, as its fault has it.
type Stream struct {
	w     http.ResponseWriter
	r     *http.Request
	fault Fault
	delay time.Duration
	sent  int // words
}

// NewStream begins an answer of the given type. delay is the pause before each
// word where the fault has none.
func NewStream(w http.ResponseWriter, r *http.Request, fault Fault, kind string, delay time.Duration) *Stream {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	if fault.WordDelay > 0 {
		delay = fault.WordDelay
	}
	return &Stream{w: w, r: r, fault: fault, delay: delay}
}

// Write sends and flushes; false when the caller has gone.
func (s *Stream) Write(text string) bool { return write(s.w, s.r, []byte(text)) }

func write(w http.ResponseWriter, r *http.Request, data []byte) bool {
	if _, err := w.Write(data); err != nil {
		return false
	}
	return http.NewResponseController(w).Flush() == nil && r.Context().Err() == nil
}

// Words has each word sent after its pause, or over and over, until the fault
// strikes. failed means that it has and the provider's error is to be sent; done
// that the rest of the answer is.
func (s *Stream) Words(words []string, send func(word string) bool) (done, failed bool) {
	for sent := 0; s.fault.Endless || sent < len(words); sent++ {
		if ok, failed := s.Word(); !ok || !send(words[sent%len(words)]) {
			return false, failed
		}
	}
	return true, false
}

// Word comes before each word that is sent without [Stream.Words]: after the
// pause it is true, unless the caller has gone or the fault strikes. failed as
// there.
func (s *Stream) Word() (ok, failed bool) {
	at := func(n int) bool { return n > 0 && s.sent == n }
	ok = true
	switch {
	case at(s.fault.CutAfter):
		panic(http.ErrAbortHandler) // the way to break a connection off
	case at(s.fault.ErrorAfter):
		return false, true
	case at(s.fault.Stall):
		<-s.r.Context().Done()
		return false, false
	case at(s.fault.GarbageAfter):
		ok = s.Write("<html>\x00\xff busy\n\ndata: {\"choices\":[\n\n")
	case at(s.fault.HugeAfter):
		ok = s.Write("data: " + strings.Repeat("x", cmp.Or(s.fault.HugeBytes, hugeEvent)) + "\n\n")
	}
	s.sent++
	return ok && pause(s.r, s.delay), false
}

// Split cuts a text into words as models write them, each with the space before
// it.
func Split(text string) []string {
	var words []string
	for i, word := range strings.Fields(text) {
		if i > 0 {
			word = " " + word
		}
		words = append(words, word)
	}
	return words
}

// pause waits; false when the caller has gone.
func pause(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return r.Context().Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
