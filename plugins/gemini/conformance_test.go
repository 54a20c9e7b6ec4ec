package gemini

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// provider is Google itself, from the manifest that ships.
func provider(t testing.TB) *Provider { return plugintest.Shipped(t, "llm:gemini", New) }

func post(path, query, body string) plugins.Request {
	return plugins.Request{
		Method: http.MethodPost, Path: path, RawQuery: query,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   []byte(body),
	}
}

func generateRequest(body string) plugins.Request {
	return post("/v1beta/models/gemini-2.5-flash:generateContent", "", body)
}

func transcript(t testing.TB, name string) string { return plugintest.Transcript(t, name) }

func TestConformance(t *testing.T) {
	t.Parallel()
	const (
		plain    = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`
		all      = `{"contents":[],"model":"models/gemini-2.5-flash","tools":[{"functionDeclarations":[{}]}],"generationConfig":{"maxOutputTokens":100,"candidateCount":3}}`
		snaky    = `{"contents":[],"generation_config":{"max_output_tokens":100},"system_instruction":{"parts":[{"text":"be brief"}]}}`
		pair     = `{"contents":[],"generationConfig":{"candidateCount":2}}`
		counted  = `{"contents":[{"parts":[{"text":"hi"}]}]}`
		embedded = `{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"hi"}]}}`
	)
	usage := func(input, output int64) *plugins.Usage {
		return &plugins.Usage{InputTokens: input, OutputTokens: output}
	}
	streamed := plugins.Facts{Action: StreamGenerateContent, Model: "gemini-2.5-flash", Stream: true, Choices: 1, InputTokens: int64(len(plain))}
	plugintest.Run(t, plugintest.Suite{
		Provider: provider(t),
		Samples: []plugintest.Sample{
			{
				Name: "generate", Request: generateRequest(plain),
				Facts: plugins.Facts{Action: GenerateContent, Model: "gemini-2.5-flash", Choices: 1, InputTokens: int64(len(plain))},
				Answers: []plugintest.Answer{
					{Received: transcript(t, "whole.json"), Usage: &plugins.Usage{InputTokens: 1019, CachedTokens: 900, OutputTokens: 181}, Seen: 181},
					{Received: `{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}`},
				},
			},
			{
				Name: "generate with everything", Request: post("/models/gemini-2.5-flash:generateContent", "", all),
				Facts: plugins.Facts{Action: GenerateContent, Model: "gemini-2.5-flash", Tools: true, OutputTokens: 100, Choices: 3, InputTokens: int64(len(all)) + toolsPrompt},
			},
			{
				Name: "generate with underscores", Request: post("/v1/models/gemini-2.5-flash:generateContent", "", snaky),
				Facts: plugins.Facts{Action: GenerateContent, Model: "gemini-2.5-flash", OutputTokens: 100, Choices: 1, InputTokens: int64(len(snaky))},
			},
			{
				Name: "stream of events", Request: post("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "alt=sse", plain),
				Facts: streamed,
				Answers: []plugintest.Answer{
					{Stream: true, Received: transcript(t, "stream.txt"), Usage: usage(8, 61), Seen: 61},
					{Stream: true, Received: transcript(t, "overloaded.txt"), Usage: usage(8, 49), Partial: true, Seen: 49},
					{Stream: true, Received: transcript(t, "blocked.txt"), Usage: usage(8, 0)},
					{Stream: true, Received: transcript(t, "function.txt"), Usage: usage(8, 112), Seen: 112},
				},
			},
			{
				Name: "stream of two", Request: post("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "alt=sse", pair),
				Facts:   plugins.Facts{Action: StreamGenerateContent, Model: "gemini-2.5-flash", Stream: true, Choices: 2, InputTokens: int64(len(pair))},
				Answers: []plugintest.Answer{{Stream: true, Received: transcript(t, "interleaved.txt"), Usage: usage(8, 4), Seen: 4}},
			},
			{
				Name: "stream of pictures", Request: post("/v1beta/models/gemini-2.5-flash-image:streamGenerateContent", "alt=sse", plain),
				Facts: plugins.Facts{Action: StreamGenerateContent, Model: "gemini-2.5-flash-image", Stream: true, OutputAtOnce: true, Choices: 1, InputTokens: int64(len(plain))},
			},
			{
				Name: "stream as an array", Request: post("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "", plain),
				Facts: streamed,
				Answers: []plugintest.Answer{
					{Received: transcript(t, "array.json"), Usage: usage(8, 61), Seen: 61},
					{Received: transcript(t, "array-cut.json"), Usage: usage(8, 57), Partial: true, Seen: 58},
					{Received: transcript(t, "image.json"), Usage: usage(8, 1293), Seen: 1293},
				},
			},
			{
				Name: "count", Request: post("/v1beta/models/gemini-2.5-flash:countTokens", "", counted),
				Facts:   plugins.Facts{Action: CountTokens, Model: "gemini-2.5-flash"},
				Answers: []plugintest.Answer{{Received: `{"totalTokens":31,"promptTokensDetails":[{"modality":"TEXT","tokenCount":31}]}`}},
			},
			{
				Name: "embed", Request: post("/v1beta/models/gemini-embedding-001:embedContent", "", embedded),
				Facts: plugins.Facts{Action: EmbedContent, Model: "gemini-embedding-001", InputTokens: int64(len(embedded))},
				Answers: []plugintest.Answer{
					{Received: `{"embedding":{"values":[0.1,0.2]}}`},
					{Received: `{"embedding":{"values":[0.1,0.2]},"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}`, Usage: usage(3, 0)},
				},
			},
			{
				Name: "embed many", Request: post("/v1beta/models/gemini-embedding-001:batchEmbedContents", "", `{"requests":[`+embedded+`]}`),
				Facts:   plugins.Facts{Action: BatchEmbedContents, Model: "gemini-embedding-001", InputTokens: int64(len(embedded))},
				Answers: []plugintest.Answer{{Received: `{"embeddings":[{"values":[0.1,0.2]}]}`}},
			},
			{
				Name: "models", Request: plugins.Request{Method: http.MethodGet, Path: "/v1beta/models", RawQuery: "pageSize=5&pageToken=x"},
				Facts:   plugins.Facts{Action: ModelsList},
				Answers: []plugintest.Answer{{Received: `{"models":[{"name":"models/gemini-2.5-flash"}]}`}},
			},
			{
				Name: "a model", Request: plugins.Request{Method: http.MethodGet, Path: "/v1beta/models/gemini-2.5-flash"},
				Facts:   plugins.Facts{Action: ModelsGet, Model: "gemini-2.5-flash"},
				Answers: []plugintest.Answer{{Received: `{"name":"models/gemini-2.5-flash","inputTokenLimit":1048576}`}},
			},
		},
	})
}
