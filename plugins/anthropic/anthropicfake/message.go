package anthropicfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// request is what the fake reads of a request, with encoding/json as a lenient
// server would.
type request struct {
	Model     string            `json:"model"`
	MaxTokens int               `json:"max_tokens"`
	Messages  []json.RawMessage `json:"messages"`
	System    any               `json:"system"`
	Stream    bool              `json:"stream"`
	Thinking  struct {
		Type         string `json:"type"`
		BudgetTokens int    `json:"budget_tokens"`
	} `json:"thinking"`
	Tools []struct {
		Name string `json:"name"`
	} `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
	} `json:"tool_choice"`
}

// usage is Anthropic's accounting of one answer. The fake counts a token per
// word.
type usage struct {
	InputTokens              int64         `json:"input_tokens"`
	CacheCreationInputTokens int64         `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int64         `json:"cache_read_input_tokens"`
	CacheCreation            cacheCreation `json:"cache_creation"`
	OutputTokens             int64         `json:"output_tokens"`
	ServiceTier              string        `json:"service_tier"`
}

type cacheCreation struct {
	FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
	OneHour     int64 `json:"ephemeral_1h_input_tokens"`
}

// answer is one message, ready to be sent whole or in pieces.
type answer struct {
	id      string
	model   string
	thought []string // words
	words   []string
	tool    string // used instead of words
	stop    string
	usage   usage
}

// messages is POST /v1/messages.
func (f *Fake) messages(w http.ResponseWriter, r *http.Request, call fakeupstream.Call) {
	req, ok := f.accept(w, call)
	if !ok {
		return
	}
	if req.MaxTokens < 1 {
		writeError(w, http.StatusBadRequest, "invalid_request_error", "max_tokens: Field required")
		return
	}
	a := f.compose(req, call)
	if req.Stream {
		f.stream(w, r, a, call.Fault)
		return
	}
	whole := a.head()
	whole["content"] = a.content()
	whole["stop_reason"] = a.stop
	if call.Fault.NoUsage {
		delete(whole, "usage")
	}
	fakeupstream.WholeJSON(w, r, call.Fault, "application/json", whole)
}

// compose makes a message; max_tokens cuts it short as the real one would. With
// tools and a choice that demands one, the first is used.
func (f *Fake) compose(req request, call fakeupstream.Call) answer {
	a := answer{id: fmt.Sprintf("msg_fake%06d", call.Number), model: req.Model, stop: "end_turn"}
	left := req.MaxTokens
	take := func(text string) []string {
		words := fakeupstream.Split(text)
		if len(words) > left && !call.Fault.Endless {
			words, a.stop = words[:left], "max_tokens"
		}
		left -= len(words)
		return words
	}
	if req.Thinking.Type == "enabled" {
		a.thought = take(f.cfg.Thinking)
	}
	if len(req.Tools) > 0 && (req.ToolChoice.Type == "any" || req.ToolChoice.Type == "tool") {
		a.tool, a.stop = req.Tools[0].Name, "tool_use"
		a.words = []string{`{"word"`, `:"fox"}`}
	} else {
		a.words = take(f.cfg.Answer)
	}
	a.usage = usage{
		InputTokens:              promptTokens(req),
		CacheCreationInputTokens: f.cfg.Written5m + f.cfg.Written1h, CacheReadInputTokens: f.cfg.CacheRead,
		CacheCreation: cacheCreation{f.cfg.Written5m, f.cfg.Written1h},
		OutputTokens:  int64(len(a.thought) + len(a.words)), ServiceTier: "standard",
	}
	return a
}

// promptTokens counts words and some tokens of overhead for each message. It is
// deterministic, so that tests can expect it.
func promptTokens(req request) int64 {
	n := 3
	if system, ok := req.System.(string); ok {
		n += len(strings.Fields(system))
	}
	for _, m := range req.Messages {
		var text struct {
			Content any `json:"content"`
		}
		n += 3
		if json.Unmarshal(m, &text) == nil {
			n += words(text.Content)
		}
	}
	return int64(n + 10*len(req.Tools))
}

func words(content any) int {
	n := 0
	switch c := content.(type) {
	case string:
		n = len(strings.Fields(c))
	case []any:
		for _, block := range c {
			if b, ok := block.(map[string]any); ok {
				n += words(b["text"])
			}
		}
	}
	return n
}

// head is a message before anything is said.
func (a answer) head() map[string]any {
	return map[string]any{
		"id": a.id, "type": "message", "role": "assistant", "model": a.model, "content": []any{},
		"stop_reason": nil, "stop_sequence": nil, "usage": a.usage,
	}
}

func (a answer) content() []any {
	var blocks []any
	if len(a.thought) > 0 {
		blocks = append(blocks, map[string]any{"type": "thinking", "thinking": strings.Join(a.thought, ""), "signature": "c2lnbmVk"})
	}
	text := strings.Join(a.words, "")
	if a.tool == "" {
		return append(blocks, map[string]any{"type": "text", "text": text})
	}
	return append(blocks, map[string]any{"type": "tool_use", "id": "toolu_fake", "name": a.tool, "input": json.RawMessage(text)})
}
