// Package resendfake is a stand-in for Resend that speaks its wire format:
// sending one message or a batch, looking at one, the list of domains, and
// Resend's own error bodies. It accepts one key, which may be one that can only
// send, honours idempotency keys, remembers every request it saw, and can be
// told to misbehave.
//
// It serves tests. It listens on loopback only and sends no mail.
package resendfake

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// Fault is how a fake misbehaves.
type Fault = fakeupstream.Fault

// DefaultKey is the key of a fake that is not told another.
const DefaultKey = "re_fake_0123456789abcdef"

const maxMessages = 10_000 // kept

// Config of a fake. The zero value is usable.
type Config struct {
	Key      string   // the only key accepted; default DefaultKey
	SendOnly bool     // the key may send mail and nothing else
	Domains  []string // that mail may come from; default example.com
	Clock    func() time.Time
}

// Fake is an http.Handler for Resend's API. It is safe for concurrent use.
type Fake struct {
	*fakeupstream.Upstream
	cfg Config

	mu    sync.Mutex
	sent  []Message
	known map[string]remembered // by idempotency key
}

// Message is one that was sent.
type Message struct {
	ID   string
	From string
	To   []string
	Text []byte // the JSON object
}

// New returns a fake. A key that could not be sent in a request is an error.
func New(cfg Config) (*Fake, error) {
	if cfg.Key == "" {
		cfg.Key = DefaultKey
	}
	if len(cfg.Domains) == 0 {
		cfg.Domains = []string{"example.com"}
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if strings.ContainsAny(cfg.Key, " \r\n") {
		return nil, errors.New("resendfake: a key must be one word")
	}
	return &Fake{Upstream: fakeupstream.New(cfg.Clock), cfg: cfg, known: make(map[string]remembered)}, nil
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

// BaseURL is what a client is given as Resend's address.
func (s *Server) BaseURL() string { return s.URL() }

// Sent are the messages that went out, oldest first; at most 10,000 are kept.
func (f *Fake) Sent() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// ServeHTTP answers as Resend would, or as scripted.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Serve(w, r, func(c fakeupstream.Call) { f.answer(w, r, c) })
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, c fakeupstream.Call) {
	w.Header().Set("Ratelimit-Limit", "2")
	w.Header().Set("Ratelimit-Remaining", "1")
	w.Header().Set("Ratelimit-Reset", "1")
	w.Header().Set("Set-Cookie", "__cf_bm=fake; path=/; HttpOnly")
	id, one := strings.CutPrefix(r.URL.Path, "/emails/")
	sends := r.Method == http.MethodPost && (r.URL.Path == "/emails" || r.URL.Path == "/emails/batch")
	switch {
	case c.Err != nil:
		fail(w, http.StatusRequestEntityTooLarge, "payload_too_large", "Request body too large")
	case c.Fault.Status != 0:
		c.Fault.Header(w.Header())
		failWith(w, c.Fault.Status)
	case r.Header.Get("Authorization") == "":
		fail(w, http.StatusUnauthorized, "missing_api_key", "Missing API Key")
	case !f.authorized(r):
		fail(w, http.StatusForbidden, "invalid_api_key", "API key is invalid")
	case f.cfg.SendOnly && !sends:
		fail(w, http.StatusUnauthorized, "restricted_api_key", "This API key is restricted to only send emails")
	case sends:
		f.send(w, r, c.Body)
	case r.Method == http.MethodGet && r.URL.Path == "/domains":
		f.domains(w)
	case r.Method == http.MethodGet && one:
		f.get(w, id)
	default:
		fail(w, http.StatusNotFound, "not_found", "The requested endpoint does not exist")
	}
}

func (f *Fake) authorized(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	want := "Bearer " + f.cfg.Key
	return len(values) == 1 && subtle.ConstantTimeCompare([]byte(values[0]), []byte(want)) == 1
}
