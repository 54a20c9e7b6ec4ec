package fakeupstream

import (
	"net/http"
	"strings"
	"time"
)

// Stream sends an answer piece by piece, as its fault has it.
type Stream struct {
	w     http.ResponseWriter
	r     *http.Request
	fault Fault
	delay time.Duration
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
func (s *Stream) Write(text string) bool {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return http.NewResponseController(s.w).Flush() == nil && s.r.Context().Err() == nil
}

// Words has each word sent after its pause, or over and over, until the fault
// strikes. failed means that it has and the provider's error is to be sent; done
// that the rest of the answer is.
func (s *Stream) Words(words []string, send func(word string) bool) (done, failed bool) {
	for sent := 0; s.fault.Endless || sent < len(words); sent++ {
		switch {
		case s.fault.CutAfter > 0 && sent == s.fault.CutAfter:
			panic(http.ErrAbortHandler) // the way to break a connection off
		case s.fault.ErrorAfter > 0 && sent == s.fault.ErrorAfter:
			return false, true
		case s.fault.Stall > 0 && sent == s.fault.Stall:
			<-s.r.Context().Done()
			return false, false
		}
		if !s.pause() || !send(words[sent%len(words)]) {
			return false, false
		}
	}
	return true, false
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

// pause waits before a word; false when the caller has gone.
func (s *Stream) pause() bool {
	if s.delay <= 0 {
		return s.r.Context().Err() == nil
	}
	timer := time.NewTimer(s.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.r.Context().Done():
		return false
	}
}
