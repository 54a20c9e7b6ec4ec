// Package openaifake is a stand-in for OpenAI that speaks its wire format: chats
// and responses, embeddings, images, audio, moderations, the list of models,
// whole and streamed, and OpenAI's own error bodies. It accepts one key, remembers
// every request it saw, says what an answer cost as it is told, and can be told
// to misbehave.
//
// It serves tests and the built-in demonstration. It listens on loopback only,
// knows no real model, and keeps at most [MaxRequests] requests.
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
)

// Defaults of [Config].
const (
	DefaultKey    = "sk-fake-0123456789abcdef"
	DefaultAnswer = "The quick brown fox jumps over the lazy dog."
)

// MaxRequests is how many requests are remembered in full; Count goes on.
const MaxRequests = 10_000

const maxBody = 64 << 20

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
	cfg Config

	mu       sync.Mutex
	fault    Fault
	account  *Account // nil: words are counted
	requests []Request
	count    int
	running  int
	gone     int
	changed  chan struct{} // closed and replaced whenever a counter moves
}

// Request is one request as it arrived.
type Request struct {
	Time     time.Time
	Method   string
	Path     string // escaped, as on the wire
	RawQuery string
	Host     string
	Header   http.Header
	Body     []byte
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
	return &Fake{cfg: cfg, changed: make(chan struct{})}, nil
}

// ServeHTTP answers as OpenAI would, or as scripted.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	number, fault := f.began(r, body)
	defer f.ended(r)
	w.Header().Set("X-Request-Id", "req_fake_"+strconv.Itoa(number))
	w.Header().Set("Openai-Version", "2020-10-01")
	w.Header().Set("Openai-Organization", "owner-organization")
	w.Header().Set("Openai-Processing-Ms", "3")
	w.Header().Set("X-Ratelimit-Limit-Requests", "500")
	w.Header().Set("Set-Cookie", "__cf_bm=fake; path=/; HttpOnly")
	switch {
	case err != nil:
		writeError(w, http.StatusRequestEntityTooLarge, apiError{Message: "Request body too large", Type: "invalid_request_error"})
	case fault.Hang:
		<-r.Context().Done()
	case fault.Status != 0:
		f.fail(w, fault)
	case !f.authorized(r):
		f.refuseKey(w, r)
	default:
		c := &call{f: f, w: w, r: r, number: number, body: body, fault: fault}
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
