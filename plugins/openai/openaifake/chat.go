package openaifake

import (
	"encoding/json"
	"fmt"
	"strings"
)

// chatRequest is what the fake reads of a request, with encoding/json as a
// lenient server would.
type chatRequest struct {
	Model         string            `json:"model"`
	Messages      []json.RawMessage `json:"messages"`
	Stream        bool              `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	N                   int    `json:"n"`
	MaxTokens           int    `json:"max_tokens"`
	MaxCompletionTokens int    `json:"max_completion_tokens"`
	Tools               []tool `json:"tools"`
}

type tool struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// usage is OpenAI's accounting of one answer. The fake counts a token per word.
type usage struct {
	PromptTokens            int               `json:"prompt_tokens"`
	CompletionTokens        int               `json:"completion_tokens"`
	TotalTokens             int               `json:"total_tokens"`
	PromptTokensDetails     promptDetails     `json:"prompt_tokens_details"`
	CompletionTokensDetails completionDetails `json:"completion_tokens_details"`
	Cost                    json.RawMessage   `json:"cost,omitempty"`
}

type promptDetails struct {
	CachedTokens     int `json:"cached_tokens"`
	CacheWriteTokens int `json:"cache_write_tokens"`
	AudioTokens      int `json:"audio_tokens"`
}

type completionDetails struct {
	ReasoningTokens          int `json:"reasoning_tokens"`
	AudioTokens              int `json:"audio_tokens"`
	AcceptedPredictionTokens int `json:"accepted_prediction_tokens"`
	RejectedPredictionTokens int `json:"rejected_prediction_tokens"`
}

// answer is one completion, ready to be sent whole or in pieces.
type answer struct {
	id       string
	created  int64
	model    string
	thoughts []string // words of reasoning
	words    []string // each with its space in front, but for the first
	tool     string   // the function that is called instead of saying the words
	finish   string
	choices  int
	usage    usage
}

// chat is POST /v1/chat/completions.
func (c *call) chat() {
	var req chatRequest
	if !c.decode(&req) || !c.known(req.Model) {
		return
	}
	if len(req.Messages) == 0 {
		c.missing("messages")
		return
	}
	a := c.answer(req)
	if req.Stream {
		c.stream(a, req.StreamOptions.IncludeUsage && !c.fault.NoUsage)
		return
	}
	c.whole(a.whole(!c.fault.NoUsage))
}

// answer composes a completion; the output cap cuts it short as the real one
// would.
func (c *call) answer(req chatRequest) answer {
	a := answer{
		id: fmt.Sprintf("chatcmpl-fake%06d", c.number), created: c.f.cfg.Clock().Unix(), model: req.Model,
		words: strings.SplitAfter(c.f.cfg.Answer, " "), finish: "stop", choices: max(req.N, 1),
	}
	if c.f.cfg.Reasoning != "" {
		a.thoughts = strings.SplitAfter(c.f.cfg.Reasoning, " ")
	}
	if c.f.cfg.ToolCall != "" && len(req.Tools) > 0 {
		a.tool, a.finish, a.words = req.Tools[0].Function.Name, "tool_calls", strings.SplitAfter(c.f.cfg.ToolCall, " ")
	}
	for _, limit := range []int{req.MaxTokens, req.MaxCompletionTokens} {
		if limit > 0 && limit < len(a.words) && !c.fault.Endless {
			a.words, a.finish = a.words[:limit], "length"
		}
	}
	account := c.f.accounting(promptTokens(req.Messages), (len(a.thoughts)+len(a.words))*a.choices)
	if account.Reasoning == 0 {
		account.Reasoning = len(a.thoughts) * a.choices
	}
	a.usage = account.chatUsage()
	return a
}

// promptTokens counts words and OpenAI's overhead of some tokens for each
// message. It is deterministic, so that tests can expect it.
func promptTokens(messages []json.RawMessage) int {
	n := 3
	for _, m := range messages {
		var text struct {
			Content any `json:"content"`
		}
		n += 3
		if json.Unmarshal(m, &text) == nil {
			if s, ok := text.Content.(string); ok {
				n += len(strings.Fields(s))
			}
		}
	}
	return n
}

// whole is the answer to a request that is not streamed.
func (a answer) whole(withUsage bool) any {
	type choice struct {
		Index        int            `json:"index"`
		Message      map[string]any `json:"message"`
		Logprobs     any            `json:"logprobs"`
		FinishReason string         `json:"finish_reason"`
	}
	completion := struct {
		ID                string   `json:"id"`
		Object            string   `json:"object"`
		Created           int64    `json:"created"`
		Model             string   `json:"model"`
		Choices           []choice `json:"choices"`
		Usage             *usage   `json:"usage,omitempty"`
		ServiceTier       string   `json:"service_tier"`
		SystemFingerprint string   `json:"system_fingerprint"`
	}{ID: a.id, Object: "chat.completion", Created: a.created, Model: a.model, ServiceTier: "default", SystemFingerprint: fingerprint}
	for i := range a.choices {
		completion.Choices = append(completion.Choices, choice{Index: i, Message: a.message(), FinishReason: a.finish})
	}
	if withUsage {
		completion.Usage = &a.usage
	}
	return completion
}

func (a answer) message() map[string]any {
	m := map[string]any{"role": "assistant", "content": strings.Join(a.words, ""), "refusal": nil, "annotations": []any{}}
	if a.tool != "" {
		m["content"] = nil
		m["tool_calls"] = []any{map[string]any{
			"id": "call_fake", "type": "function", "function": map[string]any{"name": a.tool, "arguments": strings.Join(a.words, "")},
		}}
	}
	if len(a.thoughts) > 0 {
		m["reasoning_content"] = strings.Join(a.thoughts, "")
	}
	return m
}

const fingerprint = "fp_fake"
