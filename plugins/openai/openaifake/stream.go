package openaifake

import (
	"encoding/json"
	"net/http"
	"time"
)

// chunk is one chat.completion.chunk. With usage asked for, every chunk but the
// last says "usage":null; without, none has the member.
type chunk struct {
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	Created           int64    `json:"created"`
	Model             string   `json:"model"`
	ServiceTier       string   `json:"service_tier"`
	SystemFingerprint string   `json:"system_fingerprint"`
	Choices           []choice `json:"choices"`
	Usage             any      `json:"usage,omitempty"`
}

type choice struct {
	Index        int            `json:"index"`
	Delta        map[string]any `json:"delta"`
	Logprobs     any            `json:"logprobs"`
	FinishReason any            `json:"finish_reason"`
}

// streamer sends the chunks of one answer.
type streamer struct {
	w         http.ResponseWriter
	r         *http.Request
	answer    answer
	withUsage bool
	delay     time.Duration
}

func (f *Fake) stream(w http.ResponseWriter, r *http.Request, a answer, withUsage bool, fault Fault) {
	s := &streamer{w: w, r: r, answer: a, withUsage: withUsage, delay: f.cfg.WordDelay}
	if fault.WordDelay > 0 {
		s.delay = fault.WordDelay
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	if !s.each(map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil) {
		return
	}
	for sent := 0; fault.Endless || sent < len(a.words); sent++ {
		switch {
		case fault.CutAfter > 0 && sent == fault.CutAfter:
			panic(http.ErrAbortHandler) // the way to break a connection off
		case fault.Stall > 0 && sent == fault.Stall:
			<-r.Context().Done()
			return
		}
		if !s.pause() || !s.each(map[string]any{"content": a.words[sent%len(a.words)]}, nil) {
			return
		}
	}
	if !s.each(map[string]any{}, a.finish) {
		return
	}
	if withUsage && !s.send(chunk{Choices: []choice{}, Usage: a.usage}) {
		return
	}
	s.write("data: [DONE]\n\n")
}

// each sends one delta for every choice.
func (s *streamer) each(delta map[string]any, finish any) bool {
	for i := range s.answer.choices {
		c := chunk{Choices: []choice{{Index: i, Delta: delta, FinishReason: finish}}}
		if s.withUsage {
			c.Usage = json.RawMessage("null")
		}
		if !s.send(c) {
			return false
		}
	}
	return true
}

func (s *streamer) send(c chunk) bool {
	c.ID, c.Object, c.Created, c.Model = s.answer.id, "chat.completion.chunk", s.answer.created, s.answer.model
	c.ServiceTier, c.SystemFingerprint = "default", fingerprint
	data, err := json.Marshal(c)
	return err == nil && s.write("data: "+string(data)+"\n\n")
}

// write sends and flushes; false when the caller has gone.
func (s *streamer) write(event string) bool {
	if _, err := s.w.Write([]byte(event)); err != nil {
		return false
	}
	return http.NewResponseController(s.w).Flush() == nil && s.r.Context().Err() == nil
}

// pause waits before a word; false when the caller has gone.
func (s *streamer) pause() bool {
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
