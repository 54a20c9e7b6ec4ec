package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/client"
)

// fakeOpenAI answers chat completions, streamed or not.
func fakeOpenAI(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
	}
	_ = json.Unmarshal(body, &asked)
	switch {
	case r.URL.Path != "/r/llm/openai/v1/chat/completions":
		answer(w, http.StatusNotFound, map[string]any{"error": map[string]any{"code": "unsupported_endpoint", "message": r.URL.Path}})
	case asked.Model != "gpt-4o-mini":
		answer(w, http.StatusForbidden, map[string]any{"error": map[string]any{
			"code": "model_not_allowed", "type": "permission_error", "message": "this app may not use " + asked.Model, "param": "model",
		}})
	case asked.Stream:
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"Good ", "day"} {
			_, _ = io.WriteString(w, `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"`+word+`"}}]}`+"\n\n")
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	default:
		answer(w, http.StatusOK, map[string]any{"id": "1", "object": "chat.completion", "model": asked.Model, "choices": []any{
			map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": "Good day"}},
		}})
	}
}

// TestOpenAI: the official SDK works with nothing but an http client and a base URL.
func TestOpenAI(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.upstream = fakeOpenAI
	var bearer atomic.Int64
	g.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "Bearer") || strings.Contains(r.Header.Get("Authorization"), "not-a-key") {
			bearer.Add(1)
		}
		return false
	}
	c := paired(t, g)
	ai := openai.NewClient(
		option.WithHTTPClient(c.HTTPClient()), option.WithBaseURL(c.BaseURL("llm:openai")), option.WithAPIKey("not-a-key"),
	)
	ask := openai.ChatCompletionNewParams{
		Model: "gpt-4o-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
	}
	chat, err := ai.Chat.Completions.New(t.Context(), ask)
	if err != nil || chat.Choices[0].Message.Content != "Good day" {
		t.Errorf("chat: %v %v", chat, err)
	}
	g.expireTokens()
	stream := ai.Chat.Completions.NewStreaming(t.Context(), ask)
	words := ""
	for stream.Next() {
		words += stream.Current().Choices[0].Delta.Content
	}
	if err := stream.Err(); err != nil || words != "Good day" {
		t.Errorf("stream: %q %v", words, err)
	}
	ask.Model = "gpt-4o"
	_, err = ai.Chat.Completions.New(t.Context(), ask)
	var failure *openai.Error
	if !errors.As(err, &failure) || !errors.Is(client.CodeError(failure.Code), client.ErrModelNotAllowed) {
		t.Errorf("model not allowed: %v", err)
	}
	g.endSessions()
	if _, err = ai.Chat.Completions.New(t.Context(), ask, option.WithMaxRetries(0)); !errors.Is(err, client.ErrSessionEnded) {
		t.Errorf("after the owner has revoked: %v", err)
	}
	if bearer.Load() != 0 {
		t.Errorf("%d requests carried the SDK's own key", bearer.Load())
	}
}
