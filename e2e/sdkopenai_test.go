package e2e_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// openaiSDK is openai-go as a user has it: with its own retries.
func openaiSDK(c *client.Connection, more ...option.RequestOption) (openai.Client, *counter) {
	web, n := counted(c)
	return openai.NewClient(append([]option.RequestOption{
		option.WithHTTPClient(web), option.WithBaseURL(c.BaseURL("llm:openai")), option.WithAPIKey("not-a-key"),
	}, more...)...), n
}

func drained[T any](s *ssestream.Stream[T]) (events int, err error) {
	for s.Next() {
		events++
	}
	return events, s.Err()
}

func tokens(input, output int64) client.Totals {
	return client.Totals{Requests: 1, InputTokens: input, OutputTokens: output}
}

// TestOpenAISDK drives every action of openai-go, and holds what the gateway
// counted against what the SDK was told.
func TestOpenAISDK(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account(t, "llm:openai")
	ai, n := openaiSDK(a.c)
	ctx := t.Context()
	said := responses.ResponseNewParamsInputUnion{OfString: openai.String("say something")}
	for _, row := range []struct {
		name, model string
		use         func(t *testing.T) (client.Totals, error)
	}{
		{"chat", "gpt-4o-mini", func(t *testing.T) (client.Totals, error) {
			h.Fake.Account(&openaifake.Account{Input: 900, Cached: 600, Output: 77, Reasoning: 20})
			defer h.Fake.Account(nil)
			r, err := ai.Chat.Completions.New(ctx, question("gpt-4o-mini"))
			if err != nil {
				return client.Totals{}, err
			}
			if r.Choices[0].Message.Content != openaifake.DefaultAnswer {
				t.Errorf("got %q", r.Choices[0].Message.Content)
			}
			u := r.Usage
			return client.Totals{Requests: 1, InputTokens: u.PromptTokens, CachedTokens: u.PromptTokensDetails.CachedTokens, OutputTokens: u.CompletionTokens}, nil
		}},
		{"chat stream", "gpt-4o-mini", func(t *testing.T) (client.Totals, error) {
			p := question("gpt-4o-mini")
			p.StreamOptions.IncludeUsage = openai.Bool(true)
			var all openai.ChatCompletionAccumulator
			s := ai.Chat.Completions.NewStreaming(ctx, p)
			for s.Next() {
				all.AddChunk(s.Current())
			}
			if len(all.Choices) != 1 || all.Choices[0].Message.Content != openaifake.DefaultAnswer {
				t.Errorf("got %+v", all.Choices)
			}
			return tokens(all.Usage.PromptTokens, all.Usage.CompletionTokens), s.Err()
		}},
		{"chat stream that did not ask for usage", "gpt-4o-mini", func(t *testing.T) (client.Totals, error) {
			s := ai.Chat.Completions.NewStreaming(ctx, question("gpt-4o-mini"))
			for s.Next() {
				if len(s.Current().Choices) == 0 {
					t.Error("the chunk with the usage was not asked for")
				}
			}
			return tokens(8, 9), s.Err()
		}},
		{"tools", "gpt-4o", func(t *testing.T) (client.Totals, error) {
			p := question("gpt-4o")
			p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather"})}
			r, err := ai.Chat.Completions.New(ctx, p)
			if err != nil {
				return client.Totals{}, err
			}
			return tokens(r.Usage.PromptTokens, r.Usage.CompletionTokens), nil
		}},
		{"response", "gpt-4.1", func(t *testing.T) (client.Totals, error) {
			r, err := ai.Responses.New(ctx, responses.ResponseNewParams{Model: "gpt-4.1", Input: said})
			if err != nil {
				return client.Totals{}, err
			}
			if r.OutputText() != openaifake.DefaultAnswer {
				t.Errorf("got %q", r.OutputText())
			}
			return tokens(r.Usage.InputTokens, r.Usage.OutputTokens), nil
		}},
		{"response stream", "gpt-4.1", func(t *testing.T) (client.Totals, error) {
			s := ai.Responses.NewStreaming(ctx, responses.ResponseNewParams{Model: "gpt-4.1", Input: said})
			text, u := "", responses.ResponseUsage{}
			for s.Next() {
				text += s.Current().Delta
				u = s.Current().Response.Usage
			}
			if text != openaifake.DefaultAnswer {
				t.Errorf("got %q", text)
			}
			return tokens(u.InputTokens, u.OutputTokens), s.Err()
		}},
		{"embeddings", "text-embedding-3-small", func(t *testing.T) (client.Totals, error) {
			r, err := ai.Embeddings.New(ctx, openai.EmbeddingNewParams{
				Model: "text-embedding-3-small", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"two words", "one"}},
			})
			if err != nil {
				return client.Totals{}, err
			}
			if len(r.Data) != 2 || len(r.Data[1].Embedding) != 2 {
				t.Errorf("got %+v", r.Data)
			}
			return tokens(r.Usage.PromptTokens, 0), nil
		}},
		{"image", "gpt-image-1", func(t *testing.T) (client.Totals, error) {
			r, err := ai.Images.Generate(ctx, openai.ImageGenerateParams{Prompt: "a small fox", Model: "gpt-image-1", N: openai.Int(2), Quality: "low", Size: "1024x1024"})
			if err != nil {
				return client.Totals{}, err
			}
			if len(r.Data) != 2 || r.Data[1].B64JSON == "" {
				t.Errorf("got %d images", len(r.Data))
			}
			return tokens(r.Usage.InputTokens, r.Usage.OutputTokens), nil
		}},
		{"image stream", "gpt-image-1", func(t *testing.T) (client.Totals, error) {
			events, err := drained(ai.Images.GenerateStreaming(ctx, openai.ImageGenerateParams{
				Prompt: "a small fox", Model: "gpt-image-1", PartialImages: openai.Int(2), Quality: "low", Size: "1024x1024",
			}))
			if events != 3 {
				t.Errorf("%d events", events)
			}
			return tokens(3, 272), err
		}},
		{"image edit", "gpt-image-1", func(t *testing.T) (client.Totals, error) {
			r, err := ai.Images.Edit(ctx, openai.ImageEditParams{
				Prompt: "a hat", Model: "gpt-image-1", Quality: "low", Size: "1024x1024",
				Image: openai.ImageEditParamsImageUnion{OfFile: openai.File(strings.NewReader("\x89PNG\r\n\x1a\n"), "a.png", "image/png")},
			})
			if err != nil {
				return client.Totals{}, err
			}
			return tokens(r.Usage.InputTokens, r.Usage.OutputTokens), nil
		}},
		{"transcription", "gpt-4o-transcribe", func(t *testing.T) (client.Totals, error) {
			sound := bytes.Repeat([]byte("\r\n--\x00\xff"), 100_000) // more than a gateway holds in memory
			r, err := ai.Audio.Transcriptions.New(ctx, openai.AudioTranscriptionNewParams{
				File: openai.File(bytes.NewReader(sound), "talk.wav", "audio/wav"), Model: "gpt-4o-transcribe",
			})
			if err != nil {
				return client.Totals{}, err
			}
			seen := h.Fake.Requests()
			if r.Text != openaifake.DefaultAnswer || !bytes.Contains(seen[len(seen)-1].Body, sound) {
				t.Errorf("heard %q; the recording arrived whole: %v", r.Text, bytes.Contains(seen[len(seen)-1].Body, sound))
			}
			return tokens(int64(len(sound)/100+1), 9), nil
		}},
		{"transcription stream", "gpt-4o-transcribe", func(t *testing.T) (client.Totals, error) {
			events, err := drained(ai.Audio.Transcriptions.NewStreaming(ctx, openai.AudioTranscriptionNewParams{
				File: openai.File(strings.NewReader(strings.Repeat("sound", 100)), "a.wav", "audio/wav"), Model: "gpt-4o-transcribe",
			}))
			if events != 10 {
				t.Errorf("%d events", events)
			}
			return tokens(6, 9), err
		}},
		{"models", "", func(t *testing.T) (client.Totals, error) {
			page, err := ai.Models.List(ctx)
			if err == nil && (len(page.Data) != 4 || page.Data[0].ID != "gpt-4o") {
				t.Errorf("got %+v", page)
			}
			return tokens(0, 0), err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			used, err := row.use(t)
			if err != nil {
				t.Fatal(err)
			}
			a.spent(t, row.model, used)
		})
	}
	t.Run("speech", func(t *testing.T) {
		r, err := ai.Audio.Speech.New(ctx, openai.AudioSpeechNewParams{
			Input: "two words", Model: "gpt-4o-mini-tts", ResponseFormat: "pcm", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("coral")},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		data, err := io.ReadAll(r.Body)
		if err != nil || len(data) != 4800 || r.Header.Get("Content-Type") != "audio/pcm" || bytes.ContainsFunc(data, func(c rune) bool { return c != 0 }) {
			t.Errorf("%d bytes of %s, %v", len(data), r.Header.Get("Content-Type"), err)
		}
		// A plain recording says nothing of its cost: it is charged by what went by, never as free.
		now := settled(t, ctx, a.c, a.resource)
		if was := a.before; now.Requests != was.Requests+1 || now.OutputTokens != was.OutputTokens+2 || now.Cost == was.Cost {
			t.Errorf("counted %+v, after %+v", now, was)
		}
		a.before = now
	})
	t.Run("moderation", func(t *testing.T) {
		r, err := ai.Moderations.New(ctx, openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfString: openai.String("hi")}})
		if err != nil || len(r.Results) != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
		if now := settled(t, ctx, a.c, a.resource); now.Requests != a.before.Requests+1 || now.Cost != a.before.Cost {
			t.Errorf("counted %+v, after %+v", now, a.before)
		}
	})
	for _, status := range n.sent() {
		if status != 200 {
			t.Errorf("answered %d", status)
		}
	}
}
