package openai

import (
	"errors"
	"io"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// drained reads a stream to its end and returns how many events there were.
func drained[T any](s *ssestream.Stream[T]) (n int, err error) {
	for s.Next() {
		n++
	}
	return n, s.Err()
}

// TestSDKActions drives every action with the official client: what it sends is
// understood, and what comes back is what it expects.
func TestSDKActions(t *testing.T) {
	t.Parallel()
	recording := func() io.Reader {
		return sdk.File(strings.NewReader(strings.Repeat("sound", 100)), "a.wav", "audio/wav")
	}
	picture := func() io.Reader { return sdk.File(strings.NewReader("\x89PNG\r\n\x1a\n"), "a.png", "image/png") }
	for _, row := range []struct {
		name  string
		use   func(*testing.T, sdk.Client) error
		facts plugins.Facts // but for the input
		usage plugins.Usage
	}{
		{"response", func(t *testing.T, c sdk.Client) error {
			r, err := c.Responses.New(testContext(t), responses.ResponseNewParams{Model: "gpt-4.1", Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("say something")}})
			if err == nil && r.OutputText() != openaifake.DefaultAnswer {
				t.Errorf("got %q", r.OutputText())
			}
			return err
		}, plugins.Facts{Action: Responses, Model: "gpt-4.1", Choices: 1}, plugins.Usage{InputTokens: 5, OutputTokens: 9}},
		{"response stream", func(t *testing.T, c sdk.Client) error {
			s := c.Responses.NewStreaming(testContext(t), responses.ResponseNewParams{
				Model: "gpt-4.1", MaxOutputTokens: sdk.Int(4), Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("say something")},
				Tools: []responses.ToolUnionParam{{OfWebSearch: &responses.WebSearchToolParam{Type: "web_search"}}},
			})
			text, last := "", ""
			for s.Next() {
				if e := s.Current(); e.Type == "response.output_text.delta" {
					text += e.Delta
				}
				last = s.Current().Type
			}
			if text != "The quick brown fox " || last != "response.incomplete" {
				t.Errorf("got %q, then %s", text, last)
			}
			return s.Err()
		}, plugins.Facts{Action: Responses, Model: "gpt-4.1", Choices: 1, Stream: true, Tools: true, InputUnknown: true, OutputTokens: 4}, plugins.Usage{InputTokens: 5, OutputTokens: 4}},
		{"embeddings", func(t *testing.T, c sdk.Client) error {
			r, err := c.Embeddings.New(testContext(t), sdk.EmbeddingNewParams{Model: "text-embedding-3-small", Input: sdk.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"two words", "one"}}})
			if err == nil && (len(r.Data) != 2 || len(r.Data[1].Embedding) != 2) {
				t.Errorf("got %+v", r.Data)
			}
			return err
		}, plugins.Facts{Action: Embeddings, Model: "text-embedding-3-small"}, plugins.Usage{InputTokens: 3}},
		{"image", func(t *testing.T, c sdk.Client) error {
			r, err := c.Images.Generate(testContext(t), sdk.ImageGenerateParams{Prompt: "a small fox", Model: "gpt-image-1", N: sdk.Int(2), Quality: "low", Size: "1024x1024"})
			if err == nil && (len(r.Data) != 2 || r.Usage.OutputTokens != 544) {
				t.Errorf("got %+v", r.Usage)
			}
			return err
		}, plugins.Facts{Action: ImagesGenerations, Model: "gpt-image-1", Choices: 2, OutputTokens: 2572}, plugins.Usage{InputTokens: 3, OutputTokens: 544}},
		{"image stream", func(t *testing.T, c sdk.Client) error {
			n, err := drained(c.Images.GenerateStreaming(testContext(t), sdk.ImageGenerateParams{Prompt: "a small fox", PartialImages: sdk.Int(2), Quality: "low", Size: "1024x1024"}))
			if n != 3 {
				t.Errorf("%d events", n)
			}
			return err
		}, plugins.Facts{Action: ImagesGenerations, Choices: 1, Stream: true, OutputAtOnce: true, OutputTokens: 2572}, plugins.Usage{InputTokens: 3, OutputTokens: 272}},
		{"edit", func(t *testing.T, c sdk.Client) error {
			r, err := c.Images.Edit(testContext(t), sdk.ImageEditParams{
				Prompt: "a hat", Model: "gpt-image-1", Image: sdk.ImageEditParamsImageUnion{OfFileArray: []io.Reader{picture(), picture()}},
				Mask: picture(), Quality: "low", Size: "1024x1024",
			})
			if err == nil && len(r.Data) != 1 {
				t.Errorf("got %+v", r)
			}
			return err
		}, plugins.Facts{Action: ImagesEdits, Model: "gpt-image-1", Choices: 1, OutputTokens: 2572}, plugins.Usage{InputTokens: 2, OutputTokens: 272}},
		{"edit stream", func(t *testing.T, c sdk.Client) error {
			n, err := drained(c.Images.EditStreaming(testContext(t), sdk.ImageEditParams{
				Prompt: "a hat", Model: "gpt-image-1", Image: sdk.ImageEditParamsImageUnion{OfFile: picture()}, PartialImages: sdk.Int(1), Quality: "low", Size: "1024x1024",
			}))
			if n != 2 {
				t.Errorf("%d events", n)
			}
			return err
		}, plugins.Facts{Action: ImagesEdits, Model: "gpt-image-1", Choices: 1, Stream: true, OutputAtOnce: true, OutputTokens: 2572}, plugins.Usage{InputTokens: 2, OutputTokens: 272}},
		{"transcription", func(t *testing.T, c sdk.Client) error {
			r, err := c.Audio.Transcriptions.New(testContext(t), sdk.AudioTranscriptionNewParams{
				File: recording(), Model: "gpt-4o-transcribe", Language: sdk.String("en"), TimestampGranularities: []string{"word", "segment"},
				Include: []sdk.TranscriptionInclude{"logprobs"}, Temperature: sdk.Float(0.5),
			})
			if err == nil && r.Text != openaifake.DefaultAnswer {
				t.Errorf("got %q", r.Text)
			}
			return err
		}, plugins.Facts{Action: AudioTranscriptions, Model: "gpt-4o-transcribe", Choices: 1}, plugins.Usage{InputTokens: 6, OutputTokens: 9}},
		{"verbose transcription", func(t *testing.T, c sdk.Client) error {
			_, err := c.Audio.Transcriptions.New(testContext(t), sdk.AudioTranscriptionNewParams{File: recording(), Model: "whisper-1", ResponseFormat: "verbose_json"})
			return err
		}, plugins.Facts{Action: AudioTranscriptions, Model: "whisper-1", Choices: 1}, plugins.Usage{InputTokens: 30}},
		{"transcription stream", func(t *testing.T, c sdk.Client) error {
			n, err := drained(c.Audio.Transcriptions.NewStreaming(testContext(t), sdk.AudioTranscriptionNewParams{File: recording(), Model: "gpt-4o-transcribe"}))
			if n != 10 {
				t.Errorf("%d events", n)
			}
			return err
		}, plugins.Facts{Action: AudioTranscriptions, Model: "gpt-4o-transcribe", Choices: 1, Stream: true, OutputAtOnce: true}, plugins.Usage{InputTokens: 6, OutputTokens: 9}},
		{"translation", func(t *testing.T, c sdk.Client) error {
			//lint:ignore SA1019 the endpoint is there as long as clients call it
			r, err := c.Audio.Translations.New(testContext(t), sdk.AudioTranslationNewParams{File: recording(), Model: "whisper-1"})
			if err == nil && r.Text != openaifake.DefaultAnswer {
				t.Errorf("got %q", r.Text)
			}
			return err
		}, plugins.Facts{Action: AudioTranslations, Model: "whisper-1", Choices: 1}, plugins.Usage{InputTokens: 6, OutputTokens: 9}},
		{"speech stream", func(t *testing.T, c sdk.Client) error {
			r, err := c.Audio.Speech.New(testContext(t), sdk.AudioSpeechNewParams{Input: "two words", Model: "gpt-4o-mini-tts", Voice: sdk.AudioSpeechNewParamsVoiceUnion{OfString: sdk.String("coral")}, StreamFormat: "sse"})
			if err == nil {
				defer r.Body.Close()
				if data, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(data), "speech.audio.done") {
					t.Errorf("got %.100q, %v", data, err)
				}
			}
			return err
		}, plugins.Facts{Action: AudioSpeech, Model: "gpt-4o-mini-tts", Choices: 1, Stream: true, OutputAtOnce: true, OutputTokens: 38}, plugins.Usage{InputTokens: 2, OutputTokens: 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, client := newRelay(t)
			if err := row.use(t, client); err != nil {
				t.Fatal(err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			got := r.facts
			if got.InputTokens < row.usage.InputTokens {
				t.Errorf("the input is bounded by %d, and was %d", got.InputTokens, row.usage.InputTokens)
			}
			got.InputTokens = 0
			if got != row.facts {
				t.Errorf("facts are\n%+v, want\n%+v", got, row.facts)
			}
			if len(r.usage) != 1 || r.usage[0] != row.usage {
				t.Errorf("metered %+v, want %+v", r.usage, row.usage)
			}
		})
	}
}

// Sound comes through byte for byte, and moderation costs nothing.
func TestSDKActionsWithoutUsage(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	answer, err := client.Audio.Speech.New(testContext(t), sdk.AudioSpeechNewParams{
		Input: "two words", Model: "gpt-4o-mini-tts", Voice: sdk.AudioSpeechNewParamsVoiceUnion{OfString: sdk.String("coral")}, ResponseFormat: "pcm",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if data, err := io.ReadAll(answer.Body); err != nil || len(data) != 4800 || answer.Header.Get("Content-Type") != "audio/pcm" {
		t.Errorf("%d bytes of %s, %v", len(data), answer.Header.Get("Content-Type"), err)
	}
	moderation, err := client.Moderations.New(testContext(t), sdk.ModerationNewParams{Input: sdk.ModerationNewParamsInputUnion{OfString: sdk.String("hi")}})
	if err != nil || len(moderation.Results) != 1 {
		t.Errorf("got %+v, %v", moderation, err)
	}
	if len(r.usage) != 0 {
		t.Errorf("metered %+v", r.usage)
	}
}

// The form that is sent has the fields and files of the form that came.
func TestFormsArriveWhole(t *testing.T) {
	t.Parallel()
	r, client := newRelay(t)
	content := strings.Repeat("\r\n--x\x00\xff", 50_000)
	_, err := client.Audio.Transcriptions.New(testContext(t), sdk.AudioTranscriptionNewParams{
		File: sdk.File(strings.NewReader(content), "my réco rding.wav", "audio/wav"), Model: "whisper-1", Prompt: sdk.String("Ünïcode\r\nlines"),
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := r.upstream.Requests()[0]
	body := string(seen.Body)
	if !strings.Contains(body, content) || !strings.Contains(body, "Ünïcode\r\nlines") || !strings.Contains(body, "Content-Type: audio/wav") || !strings.Contains(body, ".wav\"") {
		t.Errorf("the form became %.500q", body)
	}
	if media := seen.Header.Get("Content-Type"); !strings.HasPrefix(media, "multipart/form-data; boundary=keywicket-") {
		t.Errorf("sent as %s", media)
	}
}

// A response that is cut raises the error of the cut, whichever SDK shape is read.
func TestSDKRaisesACutResponse(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*testing.T, sdk.Client) (int, error){
		"response": func(t *testing.T, c sdk.Client) (int, error) {
			return drained(c.Responses.NewStreaming(testContext(t), responses.ResponseNewParams{Model: "gpt-4.1", Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("hi")}}))
		},
		"image": func(t *testing.T, c sdk.Client) (int, error) {
			return drained(c.Images.GenerateStreaming(testContext(t), sdk.ImageGenerateParams{Prompt: "a fox", PartialImages: sdk.Int(3)}))
		},
		"transcription": func(t *testing.T, c sdk.Client) (int, error) {
			return drained(c.Audio.Transcriptions.NewStreaming(testContext(t), sdk.AudioTranscriptionNewParams{File: strings.NewReader("sound"), Model: "gpt-4o-transcribe"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, client := newRelay(t)
			r.refuse, r.cutAfter = &plugins.Failure{Status: 429, Code: "token_budget_spent", Message: "come back tomorrow", Param: "model"}, 2
			n, err := use(t, client)
			var raised *ssestream.StreamError
			if !errors.As(err, &raised) || !strings.Contains(raised.Message, "token_budget_spent") || n != 2 {
				t.Errorf("after %d events: %v", n, err)
			}
		})
	}
}

// What a provider is told to charge is what is metered, streamed and not.
func TestSDKReasoningToolsAndCost(t *testing.T) {
	t.Parallel()
	r, client := newRelayTo(t, openaifake.Config{Reasoning: "let me think", ToolCall: `{"city": "Oslo"}`})
	r.upstream.Account(&openaifake.Account{Input: 100, Cached: 60, CacheWrite: 30, Output: 50, Reasoning: 20, Cost: "0.0000000011"})
	p := params()
	p.Tools = []sdk.ChatCompletionToolUnionParam{sdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather"})}
	whole, err := client.Chat.Completions.New(testContext(t), p)
	if err != nil || len(whole.Choices[0].Message.ToolCalls) != 1 || whole.Choices[0].FinishReason != "tool_calls" {
		t.Errorf("got %+v, %v", whole, err)
	}
	var acc sdk.ChatCompletionAccumulator
	stream := client.Chat.Completions.NewStreaming(testContext(t), p)
	for stream.Next() {
		acc.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil || acc.Choices[0].Message.ToolCalls[0].Function.Arguments != `{"city": "Oslo"}` {
		t.Errorf("got %+v, %v", acc.Choices, err)
	}
	response, err := client.Responses.New(testContext(t), responses.ResponseNewParams{
		Model: "gpt-4.1", Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("hi")},
		Tools: []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", map[string]any{"type": "object"}, false)},
	})
	if err != nil || len(response.Output) != 2 {
		t.Errorf("got %+v, %v", response, err)
	}
	want := plugins.Usage{InputTokens: 100, CachedTokens: 60, CacheWriteTokens: 30, OutputTokens: 50, Cost: 2, CostStated: true}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, usage := range r.usage {
		if usage != want {
			t.Errorf("answer %d: %+v, want %+v", i, usage, want)
		}
	}
	if len(r.usage) != 3 || !r.facts.Tools || r.facts.InputUnknown {
		t.Errorf("metered %d answers, facts %+v", len(r.usage), r.facts)
	}
}
