package openaifake

import (
	"bytes"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// form reads a body of multipart/form-data with Go's own reader; false after an
// error has been sent.
func (c *call) form() (*multipart.Form, bool) {
	_, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil {
		form, err := multipart.NewReader(bytes.NewReader(c.body), params["boundary"]).ReadForm(int64(len(c.body)))
		if err == nil {
			return form, true
		}
	}
	writeError(c.w, http.StatusBadRequest, apiError{Message: "We could not parse the form of your request.", Type: "invalid_request_error"})
	return nil, false
}

// value is a field of a form; the first counts.
func value(form *multipart.Form, name string) string {
	if values := form.Value[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func number(form *multipart.Form, name string) int {
	n, _ := strconv.Atoi(value(form, name)) // 0 where there is none
	return n
}

// transcription is POST /v1/audio/transcriptions and /v1/audio/translations: it
// always hears Config.Answer, at a token for every hundred bytes.
func (c *call) transcription() {
	form, ok := c.form()
	if !ok || !c.known(value(form, "model")) {
		return
	}
	files := form.File["file"]
	if len(files) == 0 {
		c.missing("file")
		return
	}
	words := strings.SplitAfter(c.f.cfg.Answer, " ")
	account := c.f.accounting(int(files[0].Size/100)+1, len(words))
	if value(form, "stream") == "true" {
		c.transcript(words, account)
		return
	}
	switch value(form, "response_format") {
	case "text":
		c.bytes("text/plain; charset=utf-8", []byte(c.f.cfg.Answer+"\n"))
	case "srt":
		c.bytes("text/plain; charset=utf-8", []byte("1\n00:00:00,000 --> 00:00:03,000\n"+c.f.cfg.Answer+"\n\n"))
	case "vtt":
		c.bytes("text/plain; charset=utf-8", []byte("WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n"+c.f.cfg.Answer+"\n\n"))
	case "verbose_json":
		c.whole(map[string]any{"task": "transcribe", "language": "english", "duration": 3.0, "text": c.f.cfg.Answer, "segments": []any{},
			"usage": map[string]any{"type": "duration", "seconds": 3}})
	default:
		answer := map[string]any{"text": c.f.cfg.Answer}
		if !c.fault.NoUsage {
			answer["usage"] = account.audioUsage()
		}
		c.whole(answer)
	}
}

// transcript streams the words, then the whole text.
func (c *call) transcript(words []string, account Account) {
	c.begin()
	heard := func(word string) bool { return c.event(map[string]any{"type": "transcript.text.delta", "delta": word}) }
	if !c.say(words, heard) {
		return
	}
	done := map[string]any{"type": "transcript.text.done", "text": c.f.cfg.Answer}
	if !c.fault.NoUsage {
		done["usage"] = account.audioUsage()
	}
	c.event(done)
}

// sound is a word of speech: a twentieth of a second of silence, as 16 bit
// samples at 24 kHz.
func sound() []byte { return make([]byte, 2400) }

// speech is POST /v1/audio/speech: a piece of silence for each word.
func (c *call) speech() {
	var req struct {
		Model  string `json:"model"`
		Input  string `json:"input"`
		Format string `json:"response_format"`
		Stream string `json:"stream_format"`
	}
	if !c.decode(&req) || !c.known(req.Model) {
		return
	}
	if req.Input == "" {
		c.missing("input")
		return
	}
	words := strings.Fields(req.Input)
	account := c.f.accounting(len(words), len(words))
	if req.Stream != "sse" {
		media := map[string]string{"wav": "audio/wav", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "pcm": "audio/pcm"}[req.Format]
		if media == "" {
			media = "audio/mpeg"
		}
		c.bytes(media, bytes.Repeat(sound(), len(words)))
		return
	}
	c.begin()
	said := func(string) bool {
		return c.event(map[string]any{"type": "speech.audio.delta", "audio": encoded(sound())})
	}
	if !c.say(words, said) {
		return
	}
	done := map[string]any{"type": "speech.audio.done"}
	if !c.fault.NoUsage {
		done["usage"] = account.usage(nil)
	}
	c.event(done)
}
