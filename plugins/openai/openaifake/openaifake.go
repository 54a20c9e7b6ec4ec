// Package openaifake is a stand-in for OpenAI that speaks its wire format: chats
// and responses, embeddings, images, audio, moderations, the list of models,
// whole and streamed, and OpenAI's own error bodies. It accepts one key, remembers
// every request it saw, says what an answer cost as it is told, and can be told
// to misbehave.
//
// It serves tests and the built-in demonstration. It listens on loopback only,
// knows no real model, and keeps at most [fakeupstream.MaxRequests] requests.
package openaifake

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// Defaults of [Config].
const (
	DefaultKey    = "sk-fake-0123456789abcdef"
	DefaultAnswer = "The quick brown fox jumps over the lazy dog."
)

// Config of a fake. The zero value is usable.
type Config struct {
	Key       string        // the only key accepted; default DefaultKey
	Models    []string      // the only models known; default gpt-4o, gpt-4o-mini, gpt-4.1, text-embedding-3-small
	Answer    string        // what every completion says, and every recording; default DefaultAnswer
	Reasoning string        // what is thought before it, and shown; default nothing
	ToolCall  string        // arguments with which the first tool offered is called; default: none is
	WordDelay time.Duration // pause before each streamed word; default none
	Clock     func() time.Time
}

// Fake is an http.Handler for everything below /v1/. It is safe for concurrent
// use.
type Fake struct {
	*fakeupstream.Upstream
	cfg Config

	mu      sync.Mutex
	account *Account // nil: words are counted
}

// New returns a fake. A key or model that could not be sent in a request is an
// error.
func New(cfg Config) (*Fake, error) {
	if cfg.Key == "" {
		cfg.Key = DefaultKey
	}
	if len(cfg.Models) == 0 {
		cfg.Models = []string{"gpt-4o", "gpt-4o-mini", "gpt-4.1", "text-embedding-3-small"}
	}
	if cfg.Answer == "" {
		cfg.Answer = DefaultAnswer
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if strings.ContainsAny(cfg.Key, " \r\n") || slices.Contains(cfg.Models, "") {
		return nil, errors.New("openaifake: a key must be one word and a model must have a name")
	}
	return &Fake{Upstream: fakeupstream.New(cfg.Clock), cfg: cfg}, nil
}

// ServeHTTP answers as OpenAI would, or as scripted.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Serve(w, r, func(asked fakeupstream.Call) { f.answer(w, r, asked) })
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, asked fakeupstream.Call) {
	w.Header().Set("X-Request-Id", "req_fake_"+strconv.Itoa(asked.Number))
	w.Header().Set("Openai-Version", "2020-10-01")
	w.Header().Set("Openai-Organization", "owner-organization")
	w.Header().Set("Openai-Processing-Ms", "3")
	w.Header().Set("X-Ratelimit-Limit-Requests", "500")
	w.Header().Set("Set-Cookie", "__cf_bm=fake; path=/; HttpOnly")
	switch {
	case asked.Err != nil:
		writeError(w, http.StatusRequestEntityTooLarge, apiError{Message: "Request body too large", Type: "invalid_request_error"})
	case asked.Fault.Status != 0:
		fail(w, asked.Fault)
	case !f.authorized(r):
		f.refuseKey(w, r)
	default:
		c := &call{f: f, w: w, r: r, number: asked.Number, body: asked.Body, fault: asked.Fault}
		c.route()
	}
}

// route answers by method and path.
func (c *call) route() {
	endpoint := c.r.Method + " " + c.r.URL.Path
	routes := map[string]func(){
		"POST /v1/chat/completions":     c.chat,
		"POST /v1/responses":            c.response,
		"POST /v1/embeddings":           c.embeddings,
		"POST /v1/images/generations":   c.generations,
		"POST /v1/images/edits":         c.edits,
		"POST /v1/audio/transcriptions": c.transcription,
		"POST /v1/audio/translations":   c.transcription,
		"POST /v1/audio/speech":         c.speech,
		"POST /v1/moderations":          c.moderations,
		"GET /v1/models":                func() { c.f.models(c.w) },
	}
	if serve, ok := routes[endpoint]; ok {
		serve()
		return
	}
	writeError(c.w, http.StatusNotFound, apiError{
		Message: "Invalid URL (" + c.r.Method + " " + c.r.URL.Path + ")", Type: "invalid_request_error",
	})
}

// has reports whether a model is known: those of the configuration, and for what
// is no chat, those that OpenAI has.
func (f *Fake) has(model string) bool {
	return slices.Contains(f.cfg.Models, model) || slices.Contains([]string{
		"gpt-image-1", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-tts", "tts-1", "omni-moderation-latest",
	}, model)
}

func (f *Fake) authorized(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	want := "Bearer " + f.cfg.Key
	return len(values) == 1 && subtle.ConstantTimeCompare([]byte(values[0]), []byte(want)) == 1
}
