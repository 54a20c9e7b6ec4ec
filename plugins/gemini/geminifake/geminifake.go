// Package geminifake is a stand-in for Google's Gemini API that speaks its wire
// format: content, whole and streamed as events or as a growing JSON array, with
// text, thoughts, function calls and cached input, the counting of tokens,
// embeddings, the models, and Google's own error bodies. It accepts one key,
// remembers every request it saw, and can be told to misbehave.
//
// It serves tests. It listens on loopback only and knows no real model.
package geminifake

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// Fault is how a fake misbehaves.
type Fault = fakeupstream.Fault

// Defaults of [Config].
const (
	DefaultKey    = "AIza-fake-0123456789abcdef"
	DefaultAnswer = "The quick brown fox jumps over the lazy dog."
)

// Config of a fake. The zero value is usable.
type Config struct {
	Key       string        // the only key accepted; default DefaultKey
	Models    []string      // the only models known; default gemini-2.5-flash, gemini-2.5-pro, gemini-embedding-001
	Answer    string        // what every candidate says; default DefaultAnswer
	Thoughts  int64         // tokens thought before every answer, unseen
	Cached    int64         // tokens of every prompt that come from the cache, inside the prompt's
	ToolUse   int64         // tokens that tools add to every prompt, beside the prompt's
	WordDelay time.Duration // pause before each streamed word; default none
	Clock     func() time.Time
}

// Fake is an http.Handler for everything below /v1beta/. It is safe for
// concurrent use.
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
		cfg.Models = []string{"gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001"}
	}
	if cfg.Answer == "" {
		cfg.Answer = DefaultAnswer
	}
	if strings.ContainsAny(cfg.Key, " \r\n") || slices.Contains(cfg.Models, "") {
		return nil, errors.New("geminifake: a key must be one word and a model must have a name")
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

// BaseURL is what a manifest is given as Google's address: it ends in /v1beta.
func (s *Server) BaseURL() string { return s.URL() + "/v1beta" }

// ServeHTTP answers as Google would, or as scripted.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Serve(w, r, func(call fakeupstream.Call) { f.answer(w, r, call) })
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, call fakeupstream.Call) {
	w.Header().Set("Server-Timing", "gfet4t7; dur=3")
	w.Header().Set("Set-Cookie", "NID=fake; path=/; HttpOnly")
	model, verb, ok := f.target(r)
	switch {
	case call.Err != nil:
		writeError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Request payload size exceeds the limit")
	case call.Fault.Status != 0:
		fail(w, call.Fault)
	case !f.authorized(r):
		writeError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
	case !ok:
		writeError(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
	case model != "" && !slices.Contains(f.cfg.Models, model):
		writeError(w, http.StatusNotFound, "NOT_FOUND", "models/"+model+" is not found for API version v1beta, or is not supported for "+verb+".")
	default:
		f.serve(w, r, target{model, verb}, call)
	}
}

// target is what a path asks for.
type target struct{ model, verb string }

func (f *Fake) target(r *http.Request) (model, verb string, ok bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1beta/models")
	if !ok || r.URL.RawPath != "" {
		return "", "", false
	}
	if rest == "" {
		return "", "list", r.Method == http.MethodGet
	}
	model, verb, named := strings.Cut(strings.TrimPrefix(rest, "/"), ":")
	if !named {
		return model, "get", r.Method == http.MethodGet
	}
	return model, verb, r.Method == http.MethodPost
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request, to target, call fakeupstream.Call) {
	switch to.verb {
	case "list":
		f.list(w)
	case "get":
		writeJSON(w, http.StatusOK, modelOf(to.model))
	case "generateContent", "streamGenerateContent":
		f.generate(w, r, to, call)
	case "countTokens":
		f.count(w, call)
	case "embedContent":
		f.embed(w, call)
	case "batchEmbedContents":
		f.batch(w, to, call)
	default:
		writeError(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
	}
}

func (f *Fake) authorized(r *http.Request) bool {
	values := r.Header.Values("X-Goog-Api-Key")
	return len(values) == 1 && r.URL.Query().Get("key") == "" &&
		subtle.ConstantTimeCompare([]byte(values[0]), []byte(f.cfg.Key)) == 1
}
