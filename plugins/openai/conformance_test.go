package openai

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// provider is OpenAI itself, from the manifest that ships.
func provider(t testing.TB) *Provider { return plugintest.Shipped(t, "llm:openai", New) }

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

// TestConformance runs every manifest of the dialect through the suite.
func TestConformance(t *testing.T) {
	t.Parallel()
	manifests, err := plugins.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, m := range manifests {
		if m.Dialect != Dialect {
			continue
		}
		tested++
		t.Run(m.ID, func(t *testing.T) {
			t.Parallel()
			p, err := New(m)
			if err != nil {
				t.Fatal(err)
			}
			suite := plugintest.Suite{Provider: p}
			for _, s := range samples(t) {
				if m.ID != "llm:openai" {
					s.Answers = s.Answers[:min(1, len(s.Answers))] // the dialect's meters are the same for all
				}
				if slices.ContainsFunc(m.Actions, func(a plugins.Action) bool { return a.Name == s.Facts.Action }) {
					suite.Samples = append(suite.Samples, s)
				}
			}
			plugintest.Run(t, suite)
		})
	}
	if tested < 10 {
		t.Errorf("only %d manifests speak the dialect", tested)
	}
}

// samples are valid requests for every action, and answers to them.
func samples(t testing.TB) []plugintest.Sample {
	used := &plugins.Usage{InputTokens: 11, CachedTokens: 4, OutputTokens: 7}
	return []plugintest.Sample{
		{
			Name:    "chat",
			Request: chatRequest(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`),
			Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o-mini", Choices: 1, InputTokens: 8},
			Answers: []plugintest.Answer{
				{Received: `{"id":"c","choices":[{"message":{"content":"\"usage\":{}"}}],"usage":{"prompt_tokens":11,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4}}}`, Usage: used, Seen: 7},
				{Received: `{"id":"c","choices":[]}`, Seen: 1},
				{Received: `{"error":{"message":"no"}}`},
			},
		},
		{
			Name: "chat with everything",
			Request: chatRequest(`{"model":"gpt-4o","messages":[],"n":3,"max_tokens":100,"max_completion_tokens":100,
				"tools":[{"type":"function"}],"stream":false,"temperature":0.5}`),
			Facts: plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Tools: true, OutputTokens: 100, Choices: 3},
		},
		{
			Name:    "stream",
			Request: chatRequest(`{"model":"gpt-4o","messages":[],"stream":true}`),
			Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Stream: true, Choices: 1},
			Answers: []plugintest.Answer{
				{Stream: true, Received: plainChunks + usageChunk + doneEvent, Forwarded: plainChunks + doneEvent, Usage: used, Seen: 7},
				{Stream: true, Received: plainChunks, Usage: nil, Seen: 3},
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
			Name:    "research",
			Request: chatRequest(`{"model":"sonar-deep-research","messages":[],"stream":true}`),
			Facts:   plugins.Facts{Action: ChatCompletions, Model: "sonar-deep-research", Stream: true, OutputAtOnce: true, Tools: true, InputUnknown: true, Choices: 1},
		},
		{
			Name:    "spoken chat",
			Request: chatRequest(`{"model":"gpt-4o","messages":[],"stream":true,"modalities":["text","audio"],"audio":{"voice":"alloy","format":"pcm16"}}`),
			Facts:   plugins.Facts{Action: ChatCompletions, Model: "gpt-4o", Stream: true, OutputAtOnce: true, Choices: 1},
		},
		{
			Name: "response",
			Request: jsonRequest("/v1/responses", `{"model":"gpt-4.1","instructions":"Be brief.","input":[{"role":"user","content":[
				{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"high"}]}],"max_output_tokens":300}`),
			Facts: plugins.Facts{Action: Responses, Model: "gpt-4.1", OutputTokens: 300, Choices: 1, InputTokens: 1445},
			Answers: []plugintest.Answer{
				{Received: recorded(t, "responses.json"), Usage: &plugins.Usage{InputTokens: 36, CachedTokens: 12, OutputTokens: 87}, Seen: 87},
			},
		},
		{
			Name:    "response stream",
			Request: jsonRequest("/responses", `{"model":"gpt-4.1","input":"hi","stream":true,"tools":[{"type":"web_search"}],"previous_response_id":"resp_1"}`),
			Facts:   plugins.Facts{Action: Responses, Model: "gpt-4.1", Stream: true, Choices: 1, Tools: true, InputUnknown: true},
			Answers: []plugintest.Answer{
				{Stream: true, Received: recorded(t, "responses-stream.sse"), Usage: &plugins.Usage{InputTokens: 37, CachedTokens: 16, OutputTokens: 11}, Seen: 11},
				{Stream: true, Received: recorded(t, "responses-stream-incomplete.sse"), Usage: &plugins.Usage{InputTokens: 37, OutputTokens: 16}, Seen: 16},
				{Stream: true, Received: recorded(t, "responses-stream-failed.sse"), Usage: &plugins.Usage{InputTokens: 37, OutputTokens: 4}, Seen: 4},
			},
		},
		{
			Name:    "embeddings",
			Request: jsonRequest("/v1/embeddings", `{"model":"text-embedding-3-small","input":["two words",[1,2,3]]}`),
			Facts:   plugins.Facts{Action: Embeddings, Model: "text-embedding-3-small", InputTokens: 5},
			Answers: []plugintest.Answer{{Received: recorded(t, "embeddings.json"), Usage: &plugins.Usage{InputTokens: 8}}},
		},
		{
			Name:    "image",
			Request: jsonRequest("/v1/images/generations", `{"model":"gpt-image-1","prompt":"a fox","n":2,"quality":"low","size":"1024x1024"}`),
			Facts:   plugins.Facts{Action: ImagesGenerations, Model: "gpt-image-1", OutputTokens: 2572, Choices: 2},
			Answers: []plugintest.Answer{
				{Received: recorded(t, "images.json"), Usage: &plugins.Usage{InputTokens: 50, OutputTokens: 272}, Seen: 272},
				{Received: recorded(t, "images-silent.json"), Seen: 100},
			},
		},
		{
			Name:    "image stream",
			Request: jsonRequest("/images/generations", `{"model":"gpt-image-1","prompt":"a fox","stream":true,"partial_images":2,"size":"2048x2048"}`),
			Facts:   plugins.Facts{Action: ImagesGenerations, Model: "gpt-image-1", Stream: true, OutputAtOnce: true, OutputTokens: 18940, Choices: 1},
			Answers: []plugintest.Answer{{Stream: true, Received: recorded(t, "images-stream.sse"), Usage: &plugins.Usage{InputTokens: 50, OutputTokens: 272}, Seen: 272}},
		},
		{
			Name:    "edit",
			Request: formRequest("/v1/images/edits", "image[]", "\x89PNG", "prompt", "a hat", "model", "gpt-image-1", "n", "2", "quality", "low", "size", "1024x1024"),
			Facts:   plugins.Facts{Action: ImagesEdits, Model: "gpt-image-1", OutputTokens: 2572, Choices: 2, InputTokens: 8000},
			Answers: []plugintest.Answer{
				{Received: recorded(t, "images.json"), Usage: &plugins.Usage{InputTokens: 50, OutputTokens: 272}, Seen: 272},
				{Stream: true, Received: recorded(t, "images-stream-two.sse"), Usage: &plugins.Usage{InputTokens: 100, OutputTokens: 544}, Seen: 544},
			},
		},
		{
			Name:    "transcription",
			Request: formRequest("/v1/audio/transcriptions", "file", strings.Repeat("sound ", 100), "model", "gpt-4o-transcribe", "timestamp_granularities[]", "word", "timestamp_granularities[]", "segment"),
			Facts:   plugins.Facts{Action: AudioTranscriptions, Model: "gpt-4o-transcribe", Choices: 1, InputTokens: 12},
			Answers: []plugintest.Answer{
				{Received: recorded(t, "transcription.json"), Usage: &plugins.Usage{InputTokens: 14, OutputTokens: 45}, Seen: 45},
				{Received: recorded(t, "transcription-duration.json"), Usage: &plugins.Usage{InputTokens: 270}, Seen: 10},
				{Received: recorded(t, "transcription.srt"), Seen: 5},
			},
		},
		{
			Name:    "transcription stream",
			Request: formRequest("/v1/audio/transcriptions", "file", "sound", "model", "gpt-4o-transcribe", "stream", "true"),
			Facts:   plugins.Facts{Action: AudioTranscriptions, Model: "gpt-4o-transcribe", Choices: 1, Stream: true, OutputAtOnce: true},
			Answers: []plugintest.Answer{{Stream: true, Received: recorded(t, "transcription-stream.sse"), Usage: &plugins.Usage{InputTokens: 14, OutputTokens: 6}, Seen: 6}},
		},
		{
			Name:    "translation",
			Request: formRequest("/v1/audio/translations", "file", "sound", "model", "whisper-1"),
			Facts:   plugins.Facts{Action: AudioTranslations, Model: "whisper-1", Choices: 1},
			Answers: []plugintest.Answer{{Received: recorded(t, "transcription.srt"), Seen: 5}},
		},
		{
			Name:    "speech",
			Request: jsonRequest("/v1/audio/speech", `{"model":"gpt-4o-mini-tts","voice":"coral","input":"Hello there.","response_format":"wav"}`),
			Facts:   plugins.Facts{Action: AudioSpeech, Model: "gpt-4o-mini-tts", Choices: 1, OutputTokens: 44, InputTokens: 3},
			Answers: []plugintest.Answer{{Received: "RIFF\x00\xff" + strings.Repeat("wave", 3000), Seen: 6}},
		},
		{
			Name:    "speech stream",
			Request: jsonRequest("/v1/audio/speech", `{"model":"gpt-4o-mini-tts","voice":"coral","input":"Hello there.","stream_format":"sse"}`),
			Facts:   plugins.Facts{Action: AudioSpeech, Model: "gpt-4o-mini-tts", Choices: 1, Stream: true, OutputAtOnce: true, OutputTokens: 44},
			Answers: []plugintest.Answer{{Stream: true, Received: recorded(t, "speech-stream.sse"), Usage: &plugins.Usage{InputTokens: 14, OutputTokens: 101}, Seen: 101}},
		},
		{
			Name:    "moderation",
			Request: jsonRequest("/v1/moderations", `{"input":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}`),
			Facts:   plugins.Facts{Action: Moderations, InputTokens: 2},
			Answers: []plugintest.Answer{{Received: recorded(t, "moderations.json")}},
		},
		{
			Name:    "models",
			Request: plugins.Request{Method: http.MethodGet, Path: "/v1/models"},
			Facts:   plugins.Facts{Action: ModelsList},
			Answers: []plugintest.Answer{{Received: `{"object":"list","data":[{"id":"gpt-4o"}]}`}},
		},
	}
}

// recorded is an answer of testdata.
func recorded(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "answers", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
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
		Body: body.Bytes(),
	}
}
