package anthropicfake

import (
	"encoding/json"
	"net/http"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// streamer sends the events of one message.
type streamer struct {
	*fakeupstream.Stream
	answer answer
	fault  fakeupstream.Fault
}

func (f *Fake) stream(w http.ResponseWriter, r *http.Request, a answer, fault fakeupstream.Fault) {
	s := &streamer{
		Stream: fakeupstream.NewStream(w, r, fault, "text/event-stream; charset=utf-8", f.cfg.WordDelay),
		answer: a, fault: fault,
	}
	head := a.head()
	begun := a.usage
	begun.OutputTokens = 1 // Anthropic's own count at this point
	head["usage"] = begun
	if fault.NoUsage {
		delete(head, "usage")
	}
	if !s.event("message_start", map[string]any{"message": head}) || !s.thinking() || !s.event("ping", map[string]any{}) || !s.content() {
		return
	}
	last := map[string]any{"delta": map[string]any{"stop_reason": a.stop, "stop_sequence": nil}}
	if !fault.NoUsage {
		last["usage"] = map[string]any{"output_tokens": a.usage.OutputTokens}
	}
	if s.event("message_delta", last) {
		s.event("message_stop", map[string]any{})
	}
}

// thinking is the first block, when there is one. The fault befalls what is said.
func (s *streamer) thinking() bool {
	if len(s.answer.thought) == 0 {
		return true
	}
	if !s.begin(0, map[string]any{"type": "thinking", "thinking": "", "signature": ""}) {
		return false
	}
	for _, word := range s.answer.thought {
		if !s.delta(0, map[string]any{"type": "thinking_delta", "thinking": word}) {
			return false
		}
	}
	return s.delta(0, map[string]any{"type": "signature_delta", "signature": "c2lnbmVk"}) && s.stop(0)
}

func (s *streamer) content() bool {
	index := 0
	if len(s.answer.thought) > 0 {
		index = 1
	}
	block, kind, member := map[string]any{"type": "text", "text": ""}, "text_delta", "text"
	if s.answer.tool != "" {
		block = map[string]any{"type": "tool_use", "id": "toolu_fake", "name": s.answer.tool, "input": map[string]any{}}
		kind, member = "input_json_delta", "partial_json"
	}
	if !s.begin(index, block) {
		return false
	}
	done, failed := s.Words(s.answer.words, func(word string) bool {
		return s.delta(index, map[string]any{"type": kind, member: word})
	})
	if failed {
		s.event("error", errorBody("overloaded_error", "Overloaded"))
	}
	return done && s.stop(index)
}

func (s *streamer) begin(index int, block map[string]any) bool {
	return s.event("content_block_start", map[string]any{"index": index, "content_block": block})
}

func (s *streamer) delta(index int, delta map[string]any) bool {
	return s.event("content_block_delta", map[string]any{"index": index, "delta": delta})
}

func (s *streamer) stop(index int) bool {
	return s.event("content_block_stop", map[string]any{"index": index})
}

func (s *streamer) event(name string, data map[string]any) bool {
	if _, given := data["type"]; !given {
		data["type"] = name
	}
	text, err := json.Marshal(data)
	return err == nil && s.Write("event: "+name+"\ndata: "+string(text)+"\n\n")
}
