package openaifake

import (
	"encoding/json"
	"fmt"
	"strings"
)

// responseRequest is what the fake reads of a request for a response.
type responseRequest struct {
	Model           string          `json:"model"`
	Input           json.RawMessage `json:"input"`
	Stream          bool            `json:"stream"`
	MaxOutputTokens int             `json:"max_output_tokens"`
	Tools           []tool          `json:"tools"`
}

// response is POST /v1/responses.
func (c *call) response() {
	var req responseRequest
	if !c.decode(&req) || !c.known(req.Model) {
		return
	}
	if len(req.Input) == 0 {
		c.missing("input")
		return
	}
	s := c.compose(req)
	if req.Stream {
		s.stream()
		return
	}
	c.whole(s.object(s.status, s.items(), !c.fault.NoUsage))
}

// reply is one response, ready to be sent whole or in events.
type reply struct {
	*call
	model    string
	thoughts []string
	words    []string
	tool     string
	status   string
	account  Account
	sequence int
}

func (c *call) compose(req responseRequest) *reply {
	s := &reply{call: c, model: req.Model, words: strings.SplitAfter(c.f.cfg.Answer, " "), status: "completed"}
	if c.f.cfg.Reasoning != "" {
		s.thoughts = strings.SplitAfter(c.f.cfg.Reasoning, " ")
	}
	if c.f.cfg.ToolCall != "" && len(req.Tools) > 0 {
		s.tool, s.words = req.Tools[0].Name, strings.SplitAfter(c.f.cfg.ToolCall, " ")
	}
	if limit := req.MaxOutputTokens; limit > 0 && limit < len(s.words) && !c.fault.Endless {
		s.words, s.status = s.words[:limit], "incomplete"
	}
	s.account = c.f.accounting(3+len(strings.Fields(string(req.Input))), len(s.thoughts)+len(s.words))
	if s.account.Reasoning == 0 {
		s.account.Reasoning = len(s.thoughts)
	}
	return s
}

// object is the response itself in one of its states.
func (s *reply) object(status string, items []any, withUsage bool) map[string]any {
	o := map[string]any{
		"id": fmt.Sprintf("resp_fake%06d", s.number), "object": "response", "created_at": s.f.cfg.Clock().Unix(), "status": status,
		"error": nil, "incomplete_details": nil, "instructions": nil, "metadata": map[string]any{}, "model": s.model, "output": items,
		"parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": []any{}, "top_p": 1.0, "usage": nil,
	}
	switch status {
	case "incomplete":
		o["incomplete_details"] = map[string]any{"reason": "max_output_tokens"}
	case "failed":
		o["error"] = map[string]any{"code": "server_error", "message": serverTrouble}
	}
	if withUsage {
		o["usage"] = s.account.responseUsage()
	}
	return o
}

// items are what the response consists of.
func (s *reply) items() []any {
	var all []any
	if len(s.thoughts) > 0 {
		all = append(all, map[string]any{
			"id": "rs_fake", "type": "reasoning",
			"summary": []any{map[string]any{"type": "summary_text", "text": strings.Join(s.thoughts, "")}},
		})
	}
	return append(all, s.item("completed", strings.Join(s.words, "")))
}

// item is the message or the call of a function.
func (s *reply) item(status, text string) map[string]any {
	if s.tool != "" {
		return map[string]any{"id": "fc_fake", "type": "function_call", "call_id": "call_fake", "name": s.tool, "arguments": text, "status": status}
	}
	content := []any{}
	if text != "" {
		content = append(content, map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}})
	}
	return map[string]any{"id": "msg_fake", "type": "message", "status": status, "role": "assistant", "content": content}
}

// emit sends an event with the next number.
func (s *reply) emit(name string, value map[string]any) bool {
	value["sequence_number"] = s.sequence
	s.sequence++
	return s.named(name, value)
}

func (s *reply) stream() {
	s.begin()
	open := s.object("in_progress", []any{}, false)
	if !s.emit("response.created", map[string]any{"response": open}) || !s.emit("response.in_progress", map[string]any{"response": open}) {
		return
	}
	for _, thought := range s.thoughts {
		if !s.word() || !s.emit("response.reasoning_summary_text.delta", map[string]any{"item_id": "rs_fake", "output_index": 0, "summary_index": 0, "delta": thought}) {
			return
		}
	}
	if !s.message() {
		return
	}
	status := s.status
	if s.fault.Failed {
		status = "failed"
	}
	s.emit("response."+status, map[string]any{"response": s.object(status, s.items(), !s.fault.NoUsage)})
}

// message streams the words of the message, or the arguments of a call.
func (s *reply) message() bool {
	name, id := "response.output_text", "msg_fake"
	if s.tool != "" {
		name, id = "response.function_call_arguments", "fc_fake"
	}
	if !s.emit("response.output_item.added", map[string]any{"output_index": 0, "item": s.item("in_progress", "")}) {
		return false
	}
	if s.tool == "" && !s.emit("response.content_part.added", s.part("")) {
		return false
	}
	said := s.say(s.words, func(word string) bool {
		return s.emit(name+".delta", map[string]any{"item_id": id, "output_index": 0, "content_index": 0, "delta": word, "logprobs": []any{}})
	})
	if !said {
		return false
	}
	text := strings.Join(s.words, "")
	done := map[string]any{"item_id": id, "output_index": 0, "content_index": 0, "text": text, "arguments": text, "logprobs": []any{}}
	return s.emit(name+".done", done) &&
		(s.tool != "" || s.emit("response.content_part.done", s.part(text))) &&
		s.emit("response.output_item.done", map[string]any{"output_index": 0, "item": s.item("completed", text)})
}

// part is the text within the message.
func (s *reply) part(text string) map[string]any {
	return map[string]any{"item_id": "msg_fake", "output_index": 0, "content_index": 0, "part": map[string]any{
		"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{},
	}}
}
