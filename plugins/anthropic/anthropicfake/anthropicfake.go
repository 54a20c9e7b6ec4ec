// Package anthropicfake is a stand-in for Anthropic that speaks its wire format:
// messages, whole and streamed, with text, thinking, tool use and cached input,
// the counting of tokens, the list of models, and Anthropic's own error bodies.
// It accepts one key, remembers every request it saw, and can be told to
// misbehave.
//
// It serves tests. It listens on loopback only and knows no real model.
package anthropicfake

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// Fault is how a fake misbehaves.
type Fault = fakeupstream.Fault

// Defaults of [Config].
const (
	DefaultKey    = "sk-ant-fake-0123456789abcdef"
	DefaultAnswer = "The quick brown fox jumps over the lazy dog."
)

// Config of a fake. The zero value is usable.
type Config struct {
	Key       string        // the only key accepted; default DefaultKey
	Models    []string      // the only models known; default claude-sonnet-4-5, claude-haiku-4-5, claude-opus-4-5
	Answer    string        // what every message says; default DefaultAnswer
	Thinking  string        // what is thought before, when thinking is enabled; default none
	CacheRead int64         // tokens of every request that come from the cache
	Written5m int64         // tokens of every request that go to the five-minute cache
	Written1h int64         // tokens of every request that go to the one-hour cache
	WordDelay time.Duration // pause before each streamed word; default none
	Clock     func() time.Time
}

// Fake is an http.Handler for everything below /v1/. It is safe for concurrent
// use.
type Fake struct {
	*fakeupstream.Upstream
	cfg Config
}

// New returns a fake. A key or model that could not be sent in a request is an
// error.
func New(cfg Config) (*Fake, error) {
	if cfg.Key == "" {
		cfg.Key = DefaultKey
	}
	if len(cfg.Models) == 0 {
		cfg.Models = []string{"claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"}
	}
	if cfg.Answer == "" {
		cfg.Answer = DefaultAnswer
	}
	if strings.ContainsAny(cfg.Key, " \r\n") || slices.Contains(cfg.Models, "") {
		return nil, errors.New("anthropicfake: a key must be one word and a model must have a name")
	}
	return &Fake{Upstream: fakeupstream.New(cfg.Clock), cfg: cfg}, nil
}

// Server is a fake listening on a free loopback port.
type Server struct {
	*Fake
	*fakeupstream.Server
}

// Start listens on 127.0.0.1 and serves until Close.
func Start(cfg Config) (*Server, error) {
	fake, server, err := fakeupstream.Start(New(cfg))
	if err != nil {
		return nil, err
	}
	return &Server{Fake: fake, Server: server}, nil
}

// BaseURL is what a manifest is given as Anthropic's address: it ends in /v1.
func (s *Server) BaseURL() string { return s.URL() + "/v1" }

// ServeHTTP answers as Anthropic would, or as scripted.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Serve(w, r, func(call fakeupstream.Call) { f.answer(w, r, call) })
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, call fakeupstream.Call) {
	w.Header().Set("Request-Id", "req_fake_"+strconv.Itoa(call.Number))
	w.Header().Set("Anthropic-Organization-Id", "owner-organization")
	w.Header().Set("Anthropic-Ratelimit-Requests-Limit", "4000")
	w.Header().Set("Set-Cookie", "__cf_bm=fake; path=/; HttpOnly")
	switch {
	case call.Err != nil:
		writeError(w, http.StatusRequestEntityTooLarge, "request_too_large", "Request exceeds the maximum size")
	case call.Fault.Status != 0:
		fail(w, call.Fault)
	case !f.authorized(r):
		writeError(w, http.StatusUnauthorized, "authentication_error", "invalid x-api-key")
	case r.Header.Get("Anthropic-Version") == "":
		writeError(w, http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
	case r.Method == http.MethodPost && r.URL.Path == "/v1/messages":
		f.messages(w, r, call)
	case r.Method == http.MethodPost && r.URL.Path == "/v1/messages/count_tokens":
		f.count(w, call)
	case r.Method == http.MethodGet && r.URL.Path == "/v1/models":
		f.models(w)
	default:
		writeError(w, http.StatusNotFound, "not_found_error", "Not found")
	}
}

func (f *Fake) authorized(r *http.Request) bool {
	values := r.Header.Values("X-Api-Key")
	return len(values) == 1 && subtle.ConstantTimeCompare([]byte(values[0]), []byte(f.cfg.Key)) == 1
}
