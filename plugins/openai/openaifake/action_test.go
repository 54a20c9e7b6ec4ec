package openaifake

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

func respond(text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{Model: "gpt-4.1", Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String(text)}}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{Answer: "one two three", Reasoning: "well now"})
	whole, err := client.Responses.New(ctx(t), respond("two words"))
	if err != nil || whole.OutputText() != "one two three" || whole.Status != "completed" || whole.Usage.OutputTokens != 5 || whole.Usage.OutputTokensDetails.ReasoningTokens != 2 {
		t.Errorf("got %+v, %v", whole, err)
	}
	s.Account(&Account{Input: 7, Cached: 3, Output: 11, Reasoning: 4})
	for _, row := range []struct {
		limit int64
		fault Fault
		last  string
		text  string
		total int64
	}{
		{0, Fault{}, "response.completed", "one two three", 18},
		{2, Fault{}, "response.incomplete", "one two ", 18},
		{0, Fault{Failed: true}, "response.failed", "one two three", 18},
		{0, Fault{NoUsage: true}, "response.completed", "one two three", 0},
	} {
		s.Script(row.fault)
		p := respond("hi")
		if row.limit > 0 {
			p.MaxOutputTokens = sdk.Int(row.limit)
		}
		stream := client.Responses.NewStreaming(ctx(t), p)
		text, n := "", int64(0)
		var last responses.ResponseStreamEventUnion
		for ; stream.Next(); n++ {
			last = stream.Current()
			if last.Type == "response.output_text.delta" {
				text += last.Delta
			}
			if last.SequenceNumber != n {
				t.Errorf("event %d has number %d", n, last.SequenceNumber)
			}
		}
		if stream.Err() != nil || last.Type != row.last || text != row.text || last.Response.Usage.TotalTokens != row.total {
			t.Errorf("%+v: got %q, %s with %+v, %v", row, text, last.Type, last.Response.Usage, stream.Err())
		}
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	_, client := start(t, Config{ToolCall: `{"city": "Oslo"}`})
	p := respond("hi")
	p.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", map[string]any{"type": "object"}, false)}
	whole, err := client.Responses.New(ctx(t), p)
	if err != nil || whole.Output[0].Type != "function_call" || whole.Output[0].Name != "weather" {
		t.Errorf("got %+v, %v", whole, err)
	}
	if plain, err := client.Responses.New(ctx(t), respond("hi")); err != nil || plain.OutputText() != DefaultAnswer {
		t.Errorf("without tools: %+v, %v", plain, err)
	}
}

// Streams go wrong as scripted, each in its own way.
func TestStreamsGoWrong(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	for _, row := range []struct {
		fault Fault
		n     int // chunks before it
		says  string
	}{
		{Fault{ErrorAfter: 2}, 3, "server had an error"},
		{Fault{GarbageAfter: 2}, 3, "JSON"},
		{Fault{HugeAfter: 1, HugeBytes: 64 << 20}, 2, "too long"},
		{Fault{CutAfter: 3}, 4, "EOF"},
	} {
		s.Script(row.fault)
		stream := client.Chat.Completions.NewStreaming(ctx(t), ask("gpt-4o"))
		n := 0
		for stream.Next() {
			n++
		}
		if err := stream.Err(); err == nil || !strings.Contains(err.Error(), row.says) || n != row.n {
			t.Errorf("%+v: after %d chunks: %v", row.fault, n, err)
		}
	}
}

// Whole answers go wrong as scripted.
func TestAnswersGoWrong(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	for _, fault := range []Fault{{Garbage: true}, {CutBytes: 20}, {WrongSize: true}} {
		s.Script(fault)
		if _, err := client.Chat.Completions.New(ctx(t), ask("gpt-4o")); err == nil {
			t.Errorf("%+v: no error", fault)
		}
	}
}

func TestTrickle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		fake.Script(Fault{Trickle: time.Second})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://fake/v1/audio/speech", strings.NewReader(`{"model":"tts-1","input":"word"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+DefaultKey)
		w := &timedWriter{began: time.Now(), header: make(http.Header)}
		fake.ServeHTTP(w, r)
		if n := len(w.at); n != 2400 || w.at[n-1] != 2400*time.Second || w.header.Get("Content-Type") != "audio/mpeg" {
			t.Errorf("%d writes of %s, the last at %v", n, w.header.Get("Content-Type"), w.at[n-1])
		}
	})
}

func TestFormsAndTheirErrors(t *testing.T) {
	t.Parallel()
	s, client := start(t, Config{})
	for format, want := range map[string]string{"text": DefaultAnswer + "\n", "srt": "1\n00:00:00,000 --> 00:00:03,000\n" + DefaultAnswer + "\n\n", "": `"audio_tokens": 1`} {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, _ := w.CreateFormFile("file", "a.mp3")
		_, _ = part.Write([]byte("sound"))
		_ = w.WriteField("model", "whisper-1")
		_ = w.WriteField("response_format", format)
		_ = w.Close()
		if status, text := post(t, s, "/audio/transcriptions", w.FormDataContentType(), &form); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %q, want %q", format, status, text, want)
		}
	}
	for name, body := range map[string]string{"no form": "{}", "nothing": ""} {
		if status, text := post(t, s, "/images/edits", "multipart/form-data; boundary=b", strings.NewReader(body)); status != http.StatusBadRequest || !strings.Contains(text, "form") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if _, err := client.Images.Edit(ctx(t), sdk.ImageEditParams{Prompt: "x", Model: "gpt-9", Image: sdk.ImageEditParamsImageUnion{OfFile: strings.NewReader("x")}}); err == nil {
		t.Error("an unknown model edits")
	}
}

func post(t *testing.T, s *Server, path, media string, body io.Reader) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx(t), http.MethodPost, s.BaseURL()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+DefaultKey)
	r.Header.Set("Content-Type", media)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
