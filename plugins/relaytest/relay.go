// Package relaytest is the least that can stand between an official SDK and a
// provider's stand-in: describe, authorize, forward, meter. With it a dialect is
// tested with the SDKs it is made for, without the gateway around it.
//
// It is for tests. It checks nothing of its own and keeps whole answers in
// memory.
package relaytest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// Config of a relay. Every field is required.
type Config struct {
	Provider plugins.Provider
	BaseURL  string // of the stand-in
	Key      string // that the stand-in accepts
}

// Relay is a server that speaks the provider's dialect on both sides.
type Relay struct {
	cfg Config
	t   testing.TB
	url string

	mu       sync.Mutex
	refuse   *plugins.Failure
	cutAfter int
	answers  []Answer
}

// Answer is what went by in answer to one request.
type Answer struct {
	Facts    plugins.Facts
	Body     string // of the call, as sent to the stand-in
	Sent     string // to the client
	Usage    plugins.Usage
	Reported bool
	Final    bool
	Seen     int64
}

// Start serves until the test ends.
func Start(t testing.TB, cfg Config) *Relay {
	t.Helper()
	r := &Relay{cfg: cfg, t: t}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// URL is the relay's address, without a path.
func (r *Relay) URL() string { return r.url }

// Refuse has requests answered with f: at once, or cutAfter events into a stream
// when that is above 0.
func (r *Relay) Refuse(f plugins.Failure, cutAfter int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse, r.cutAfter = &f, cutAfter
}

// Answers are those that are over, oldest first.
func (r *Relay) Answers() []Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Answer(nil), r.answers...)
}

// Last is the answer that was over last.
func (r *Relay) Last(t testing.TB) Answer {
	t.Helper()
	answers := r.Answers()
	if len(answers) == 0 {
		t.Fatal("nothing was forwarded")
	}
	return answers[len(answers)-1]
}

// ServeHTTP implements http.Handler, one request at a time.
func (r *Relay) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil && r.cutAfter == 0 {
		r.fail(w, *r.refuse)
		return
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		r.t.Error(err)
	}
	call, err := r.cfg.Provider.Describe(plugins.Request{
		Method: in.Method, Path: in.URL.EscapedPath(), RawQuery: in.URL.RawQuery, Header: in.Header, Body: body,
	})
	var refused *plugins.Error
	if errors.As(err, &refused) {
		r.fail(w, plugins.Failure{Status: refused.Status, Code: refused.Code, Message: refused.Message, Param: refused.Param})
		return
	}
	r.forward(w, in, call)
}

func (r *Relay) fail(w http.ResponseWriter, f plugins.Failure) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	w.Write(r.cfg.Provider.ErrorBody(f))
}

func (r *Relay) forward(w http.ResponseWriter, in *http.Request, call *plugins.Call) {
	target := r.cfg.BaseURL + call.Path
	if call.RawQuery != "" {
		target += "?" + call.RawQuery
	}
	out, err := http.NewRequestWithContext(in.Context(), call.Method, target, bytes.NewReader(call.Body))
	if err != nil {
		r.t.Error(err)
		return
	}
	out.Header = call.Header
	if err := plugins.Authorize(out.Header, r.cfg.Provider.Manifest(), []byte(r.cfg.Key)); err != nil {
		r.t.Error(err)
	}
	answer, err := http.DefaultClient.Do(out)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer answer.Body.Close()
	for name, values := range r.cfg.Provider.ResponseHeader(answer.Header) {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	meter := r.cfg.Provider.NewMeter(call)
	var sent bytes.Buffer
	broken := r.copy(io.MultiWriter(w, &sent), answer, meter)
	a := Answer{Facts: call.Facts, Body: string(call.Body), Sent: sent.String(), Final: meter.Final(), Seen: meter.Seen()}
	a.Usage, a.Reported = meter.Usage()
	r.answers = append(r.answers, a)
	if broken {
		panic(http.ErrAbortHandler)
	}
}

// copy forwards the answer and reports whether it broke off.
func (r *Relay) copy(w io.Writer, answer *http.Response, meter plugins.Meter) (broken bool) {
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		buffer := make([]byte, 512)
		for {
			n, err := answer.Body.Read(buffer)
			meter.Body(buffer[:n])
			w.Write(buffer[:n])
			if err != nil {
				return err != io.EOF
			}
		}
	}
	events := plugins.NewEventReader(answer.Body, 0)
	for n := 1; ; n++ {
		raw, err := events.Next()
		if err != nil {
			return err != io.EOF
		}
		w.Write(meter.Event(raw))
		if r.refuse != nil && n == r.cutAfter {
			w.Write(r.cfg.Provider.ErrorEvent(*r.refuse))
			return false
		}
	}
}
