package anthropic

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// provider is Anthropic itself, from the manifest that ships.
func provider(t testing.TB) *Provider { return plugintest.Shipped(t, "llm:anthropic", New) }

func post(path, body string) plugins.Request {
	return plugins.Request{
		Method: http.MethodPost, Path: path,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:   []byte(body),
	}
}

func messagesRequest(body string) plugins.Request { return post("/v1/messages", body) }

func transcript(t testing.TB, name string) string { return plugintest.Transcript(t, name) }

func TestConformance(t *testing.T) {
	t.Parallel()
	const (
		plain    = `{"model":"claude-sonnet-4-5","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`
		hour     = `{"model":"claude-sonnet-4-5","max_tokens":64,"messages":[],"system":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}`
		streamed = `{"model":"claude-sonnet-4-5","max_tokens":64,"stream":true,"messages":[]}`
		all      = `{"model":"claude-opus-4-5","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},"tools":[{"name":"x","input_schema":{}}],"stream":false,"messages":[]}`
		count    = `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hi"}]}`
	)
	plugintest.Run(t, plugintest.Suite{
		Provider: provider(t),
		Samples: []plugintest.Sample{
			{
				Name: "messages", Request: messagesRequest(plain),
				Facts: plugins.Facts{Action: Messages, Model: "claude-sonnet-4-5", OutputTokens: 64, Choices: 1, InputTokens: int64(len(plain))},
				Answers: []plugintest.Answer{
					{Received: transcript(t, "whole.json"), Usage: &plugins.Usage{InputTokens: 2095 + 188086 + 248, CachedTokens: 188086, CacheWriteTokens: 248, OutputTokens: 393}, Seen: 393},
					{Received: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`},
				},
			},
			{
				Name: "messages cached for an hour", Request: messagesRequest(hour),
				Facts: plugins.Facts{Action: Messages, Model: "claude-sonnet-4-5", OutputTokens: 64, Choices: 1, InputTokens: int64(len(hour)) * 8 / 5},
			},
			{
				Name: "messages with everything", Request: post("/messages", all),
				Facts: plugins.Facts{Action: Messages, Model: "claude-opus-4-5", OutputTokens: 4000, Choices: 1, Tools: true, InputTokens: int64(len(all)) + toolsPrompt},
			},
			{
				Name: "stream", Request: messagesRequest(streamed),
				Facts: plugins.Facts{Action: Messages, Model: "claude-sonnet-4-5", Stream: true, OutputTokens: 64, Choices: 1, InputTokens: int64(len(streamed))},
				Answers: []plugintest.Answer{
					{Stream: true, Received: transcript(t, "stream.txt"), Usage: &plugins.Usage{InputTokens: 25, OutputTokens: 15}, Seen: 15},
					{Stream: true, Received: transcript(t, "thinking.txt"), Usage: &plugins.Usage{InputTokens: 60 + 500 + 1000 + 360, CachedTokens: 500, CacheWriteTokens: 1000 + 360, OutputTokens: 189}, Seen: 189},
					{Stream: true, Received: transcript(t, "websearch.txt"), Usage: &plugins.Usage{InputTokens: 10682, OutputTokens: 510}, Seen: 510},
					{Stream: true, Received: transcript(t, "overloaded.txt"), Usage: &plugins.Usage{InputTokens: 25, OutputTokens: 1}, Partial: true},
					{Received: `{"type":"error","error":{"type":"overloaded_error","message":"no stream after all"}}`},
				},
			},
			{
				Name: "count", Request: post("/v1/messages/count_tokens", count),
				Facts:   plugins.Facts{Action: CountTokens, Model: "claude-sonnet-4-5"},
				Answers: []plugintest.Answer{{Received: `{"input_tokens":2095}`}},
			},
			{
				Name: "models", Request: plugins.Request{Method: http.MethodGet, Path: "/v1/models", RawQuery: "limit=20&after_id=claude-x"},
				Facts:   plugins.Facts{Action: ModelsList},
				Answers: []plugintest.Answer{{Received: `{"data":[{"type":"model","id":"claude-sonnet-4-5"}],"has_more":false}`}},
			},
		},
	})
}
