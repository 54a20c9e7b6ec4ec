package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// FuzzModel holds our reading of every JSON body against encoding/json's: a
// lenient server must see the model, the flags and the caps that the policy saw,
// and no second model anywhere.
func FuzzModel(f *testing.F) {
	p := provider(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/chat/completions", "/responses", "/embeddings", "/images/generations", "/audio/speech", "/moderations"} {
			call, err := p.Describe(jsonRequest("/v1"+path, string(body)))
			if err != nil {
				continue
			}
			var seen struct {
				Model      string `json:"model"`
				Stream     bool   `json:"stream"`
				N          int64  `json:"n"`
				Max        int64  `json:"max_output_tokens"`
				Background bool   `json:"background"`
				Format     string `json:"stream_format"`
				Tools      []any  `json:"tools"`
			}
			if path != "/images/generations" { // there it is a colour
				err = json.Unmarshal(call.Body, &seen)
			} else {
				err = json.Unmarshal(bytes.ReplaceAll(call.Body, []byte("background"), []byte("x")), &seen)
			}
			if err != nil {
				t.Fatalf("%s %q: a server cannot read it: %v", path, call.Body, err)
			}
			facts := call.Facts
			stream := seen.Stream || seen.Format == "sse" && path == "/audio/speech"
			if seen.Model != facts.Model || stream != facts.Stream || seen.Background || max(seen.N, min(1, facts.Choices)) != facts.Choices {
				t.Fatalf("%s %q: a server sees %+v, the policy saw %+v", path, call.Body, seen, facts)
			}
			if len(seen.Tools) > 0 && !facts.Tools || path == "/responses" && seen.Max != facts.OutputTokens {
				t.Fatalf("%s %q: a server sees %+v, the policy saw %+v", path, call.Body, seen, facts)
			}
			if n := call.CountInput(); n < 0 || n > facts.InputTokens {
				t.Fatalf("%s %q: counted %d, bounded by %d", path, call.Body, n, facts.InputTokens)
			}
		}
	})
}

// FuzzModelInForm holds our reading of a form against that of mime/multipart, of
// what is sent: the model is there once, and is the one the policy saw.
func FuzzModelInForm(f *testing.F) {
	p := provider(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		upload := io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body)))
		call, err := p.Describe(plugins.Request{
			Method: http.MethodPost, Path: "/v1/audio/transcriptions",
			Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, Upload: upload,
		})
		if err != nil {
			return
		}
		content, size := call.OpenBody(upload)
		sent, err := io.ReadAll(content)
		if err != nil || int64(len(sent)) != size {
			t.Fatalf("%q: %d bytes, announced as %d, %v", body, len(sent), size, err)
		}
		_, params, err := mime.ParseMediaType(call.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		form, err := multipart.NewReader(bytes.NewReader(sent), params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Fatalf("%q: a server cannot read it: %v", sent, err)
		}
		if models := form.Value["model"]; len(models) != 1 || models[0] != call.Facts.Model || len(form.File["model"]) > 0 {
			t.Fatalf("%q: a server sees %q, the policy saw %q", sent, models, call.Facts.Model)
		}
		for name, values := range form.Value {
			if name != "model" && plugins.Mistakable(name, "model") {
				t.Fatalf("%q: a second model %s=%q", sent, name, values)
			}
			if name == "stream" && (values[0] == "true") != call.Facts.Stream {
				t.Fatalf("%q: stream is %q, the policy saw %v", sent, values, call.Facts.Stream)
			}
		}
		if n := call.CountInput(); n < 0 || n > call.Facts.InputTokens {
			t.Fatalf("%q: counted %d, bounded by %d", body, n, call.Facts.InputTokens)
		}
	})
}

// FuzzAnswer lets a provider send anything: nothing but the extra chunk of usage
// is dropped, counts never fall, and none is larger than the bytes there were.
func FuzzAnswer(f *testing.F) {
	p := provider(f)
	calls := make(map[string]*plugins.Call)
	for _, name := range []string{"chat-stream.sse", "responses-stream.sse", "images-stream.sse", "transcription-stream.sse", "speech-stream.sse"} {
		calls[name] = asked(f, name, "gpt-4o")
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for name, call := range calls {
			meter := p.NewMeter(call)
			events := plugins.NewEventReader(bytes.NewReader(answer), 0)
			seen, bytes := int64(0), int64(0)
			for {
				raw, err := events.Next()
				if err != nil {
					break
				}
				bytes += int64(len(raw))
				got := meter.Event(raw)
				if got == nil && !strings.Contains(string(raw), "usage") || got != nil && string(got) != string(raw) {
					t.Fatalf("%s: %q became %q", name, raw, got)
				}
				usage, _ := meter.Usage()
				if now := meter.Seen(); now < seen || now < usage.OutputTokens || now > bytes+usage.OutputTokens {
					t.Fatalf("%s: seen %d after %d, of %d bytes, %+v", name, now, seen, bytes, usage)
				} else {
					seen = now
				}
				if usage.CachedTokens+usage.CacheWriteTokens > usage.InputTokens || usage.Cost < 0 || usage.OutputTokens < 0 {
					t.Fatalf("%s: %+v", name, usage)
				}
			}
			whole := p.NewMeter(call)
			whole.Body(answer)
			if usage, _ := whole.Usage(); whole.Seen() > int64(len(answer))+usage.OutputTokens {
				t.Fatalf("%s: seen %d of %d bytes", name, whole.Seen(), len(answer))
			}
		}
	})
}
