package openaifake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	N                   int `json:"n"`
	MaxTokens           int `json:"max_tokens"`
	MaxCompletionTokens int `json:"max_completion_tokens"`
}

// usage is OpenAI's accounting of one answer. The fake counts a token per word.
type usage struct {
	PromptTokens            int               `json:"prompt_tokens"`
	CompletionTokens        int               `json:"completion_tokens"`
	TotalTokens             int               `json:"total_tokens"`
	PromptTokensDetails     promptDetails     `json:"prompt_tokens_details"`
	CompletionTokensDetails completionDetails `json:"completion_tokens_details"`
}

type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
	AudioTokens  int `json:"audio_tokens"`
}

type completionDetails struct {
	ReasoningTokens          int `json:"reasoning_tokens"`
	AudioTokens              int `json:"audio_tokens"`
	AcceptedPredictionTokens int `json:"accepted_prediction_tokens"`
	RejectedPredictionTokens int `json:"rejected_prediction_tokens"`
}

// answer is one completion, ready to be sent whole or in pieces.
type answer struct {
	id      string
	created int64
	model   string
	words   []string // each with its space in front, but for the first
	finish  string
	choices int
	usage   usage
}

// chatCall is one request for a completion.
type chatCall struct {
	number int
	body   []byte
	fault  Fault
}

// chat is POST /v1/chat/completions.
func (f *Fake) chat(w http.ResponseWriter, r *http.Request, call chatCall) {
	var req chatRequest
	if err := json.Unmarshal(call.body, &req); err != nil {
		writeError(w, http.StatusBadRequest, apiError{
			Message: "We could not parse the JSON body of your request.", Type: "invalid_request_error",
		})
		return
	}
	if !f.accept(w, req) {
		return
	}
	a := f.answer(req, call)
	if req.Stream {
		f.stream(w, r, a, req.StreamOptions.IncludeUsage && !call.fault.NoUsage, call.fault)
		return
	}
	writeJSON(w, http.StatusOK, a.whole(!call.fault.NoUsage))
}

// accept writes OpenAI's refusal of a request that names no known model or asks
// nothing.
func (f *Fake) accept(w http.ResponseWriter, req chatRequest) bool {
	switch {
	case req.Model == "":
		writeError(w, http.StatusBadRequest, apiError{Message: "you must provide a model parameter", Type: "invalid_request_error"})
	case len(req.Messages) == 0:
		writeError(w, http.StatusBadRequest, apiError{
			Message: "Missing required parameter: 'messages'.", Type: "invalid_request_error",
			Param: "messages", Code: "missing_required_parameter",
		})
	case !slices.Contains(f.cfg.Models, req.Model):
		writeError(w, http.StatusNotFound, apiError{
			Message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", req.Model),
			Type:    "invalid_request_error", Code: "model_not_found",
		})
	default:
		return true
	}
	return false
}

// answer composes a completion; the output cap cuts it short as the real one
// would.
func (f *Fake) answer(req chatRequest, call chatCall) answer {
	words := strings.SplitAfter(f.cfg.Answer, " ")
	a := answer{
		id: fmt.Sprintf("chatcmpl-fake%06d", call.number), created: f.cfg.Clock().Unix(), model: req.Model,
		words: words, finish: "stop", choices: max(req.N, 1),
	}
	for _, limit := range []int{req.MaxTokens, req.MaxCompletionTokens} {
		if limit > 0 && limit < len(a.words) && !call.fault.Endless {
			a.words, a.finish = a.words[:limit], "length"
		}
	}
	a.usage.PromptTokens = promptTokens(req.Messages)
	a.usage.CompletionTokens = len(a.words) * a.choices
	a.usage.TotalTokens = a.usage.PromptTokens + a.usage.CompletionTokens
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
	type message struct {
		Role        string `json:"role"`
		Content     string `json:"content"`
		Refusal     any    `json:"refusal"`
		Annotations []any  `json:"annotations"`
	}
	type choice struct {
		Index        int     `json:"index"`
		Message      message `json:"message"`
		Logprobs     any     `json:"logprobs"`
		FinishReason string  `json:"finish_reason"`
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
		completion.Choices = append(completion.Choices, choice{
			Index: i, Message: message{Role: "assistant", Content: strings.Join(a.words, ""), Annotations: []any{}},
			FinishReason: a.finish,
		})
	}
	if withUsage {
		completion.Usage = &a.usage
	}
	return completion
}

const fingerprint = "fp_fake"
