package openaifake

import "encoding/json"

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
	*call
	answer    answer
	withUsage bool
}

func (c *call) stream(a answer, withUsage bool) {
	s := &streamer{call: c, answer: a, withUsage: withUsage}
	c.begin()
	first := map[string]any{"role": "assistant", "content": "", "refusal": nil}
	if a.tool != "" {
		first = s.arguments("")
		first["role"] = "assistant"
	}
	if !s.each(first, nil) || !s.text(a) || !s.each(map[string]any{}, a.finish) {
		return
	}
	if withUsage && !s.send(chunk{Choices: []choice{}, Usage: a.usage}) {
		return
	}
	s.Write("data: [DONE]\n\n")
}

// text streams the reasoning and then the words.
func (s *streamer) text(a answer) bool {
	for _, thought := range a.thoughts {
		if !s.word() || !s.each(map[string]any{"reasoning_content": thought}, nil) {
			return false
		}
	}
	return s.say(a.words, func(word string) bool {
		delta := map[string]any{"content": word}
		if a.tool != "" {
			delta = s.arguments(word)
		}
		return s.each(delta, nil)
	})
}

// arguments is a piece of a call of a function; the first has its name.
func (s *streamer) arguments(piece string) map[string]any {
	function := map[string]any{"arguments": piece}
	call := map[string]any{"index": 0, "function": function}
	if piece == "" {
		function["name"] = s.answer.tool
		call["id"], call["type"] = "call_fake", "function"
	}
	return map[string]any{"tool_calls": []any{call}}
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
	return s.event(c)
}
