package openai

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// provider is OpenAI itself, from the manifest that ships.
func provider(t testing.TB) *Provider {
	t.Helper()
	manifests, err := plugins.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		if m.ID == "llm:openai" {
			p, err := New(m)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatal("no manifest llm:openai")
	return nil
}

func chatRequest(body string) plugins.Request {
	return plugins.Request{
		Method: http.MethodPost, Path: "/v1/chat/completions",
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:   []byte(body),
	}
}

const (
	plainChunks = `data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}` + "\n\n" +
		`data: {"id":"c","choices":[{"index":0,"delta":{"content":"\"usage\" \u00e9 é"},"finish_reason":null}],"usage":null}` + "\n\n" +
		`data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
	usageChunk = `data: {"id":"c","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}` + "\n\n"
	doneEvent  = "data: [DONE]\n\n"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	used := &plugins.Usage{InputTokens: 11, CachedTokens: 4, OutputTokens: 7}
	plugintest.Run(t, plugintest.Suite{
		Provider: provider(t),
		Samples: []plugintest.Sample{
			{
				Name:    "chat",
				Request: chatRequest(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`),
				Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o-mini", Choices: 1},
				Answers: []plugintest.Answer{
					{Received: `{"id":"c","choices":[{"message":{"content":"\"usage\":{}"}}],"usage":{"prompt_tokens":11,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4}}}`, Usage: used},
					{Received: `{"id":"c","choices":[]}`},
					{Received: `{"error":{"message":"no"}}`},
				},
			},
			{
				Name: "chat with everything",
				Request: chatRequest(`{"model":"gpt-4o","messages":[],"n":3,"max_tokens":100,"max_completion_tokens":50,
					"tools":[{"type":"function"}],"stream":false,"temperature":0.5}`),
				Facts: plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Tools: true, OutputTokens: 100, Choices: 3},
			},
			{
				Name:    "stream",
				Request: chatRequest(`{"model":"gpt-4o","messages":[],"stream":true}`),
				Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Stream: true, Choices: 1},
				Answers: []plugintest.Answer{
					{Stream: true, Received: plainChunks + usageChunk + doneEvent, Forwarded: plainChunks + doneEvent, Usage: used},
					{Stream: true, Received: plainChunks, Usage: nil},
					{Received: `{"error":{"message":"no stream after all"}}`},
				},
			},
			{
				Name:    "stream with usage",
				Request: chatRequest(`{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_usage":true}}`),
				Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Stream: true, Choices: 1},
				Answers: []plugintest.Answer{{Stream: true, Received: plainChunks + usageChunk + doneEvent, Usage: used}},
			},
			{
				Name:    "models",
				Request: plugins.Request{Method: http.MethodGet, Path: "/v1/models"},
				Facts:   plugins.Facts{Action: ModelsList},
				Answers: []plugintest.Answer{{Received: `{"object":"list","data":[{"id":"gpt-4o"}]}`}},
			},
		},
	})
}

func jsonRequest(path, body string) plugins.Request {
	r := chatRequest(body)
	r.Path = path
	return r
}

// formRequest is a form of a file and fields, given as names and values in turn.
func formRequest(path, file, content string, fields ...string) plugins.Request {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, _ := w.CreateFormFile(file, "file.bin")
	_, _ = part.Write([]byte(content))
	for i := 0; i+1 < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	_ = w.Close()
	return plugins.Request{
		Method: http.MethodPost, Path: path, Header: http.Header{"Content-Type": {w.FormDataContentType()}, "Accept": {"application/json"}},
		Upload: io.NewSectionReader(bytes.NewReader(body.Bytes()), 0, int64(body.Len())),
	}
}
