package plugintest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// manifest must survive its own JSON, and every action must have a sample.
func (s Suite) manifest(t *testing.T) {
	m := s.Provider.Manifest()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := plugins.ParseManifest(text)
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("the manifest does not read back: %v\n%+v\n%+v", err, m, again)
	}
	for _, action := range m.Actions {
		if !slices.ContainsFunc(s.Samples, func(sample Sample) bool { return sample.Facts.Action == action.Name }) {
			t.Errorf("action %s has no sample", action.Name)
		}
	}
}

func (s Suite) mustDescribe(t *testing.T, r plugins.Request) *plugins.Call {
	t.Helper()
	call, err := s.Provider.Describe(s.prepare(clone(r)))
	if err != nil {
		t.Fatalf("a valid request is refused: %v", err)
	}
	return call
}

// prepare does what the gateway does with a body: one that the provider takes as
// an upload becomes one.
func (s Suite) prepare(r plugins.Request) plugins.Request {
	body := r.Body
	r.Body = nil
	if uploader, ok := s.Provider.(plugins.Uploader); ok && uploader.TakesUpload(r) {
		r.Upload = io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body)))
		return r
	}
	r.Body = body
	return r
}

// describe must find the facts, leave the request alone, and aim at the
// endpoint of the action.
func (s Suite) describe(t *testing.T, sample Sample) {
	sample.Request = clone(sample.Request)
	before := clone(sample.Request)
	call, err := s.Provider.Describe(s.prepare(sample.Request))
	if err != nil {
		t.Fatalf("a valid request is refused: %v", err)
	}
	if !reflect.DeepEqual(before, sample.Request) {
		t.Error("Describe changed the request")
	}
	s.facts(t, sample, call)
	s.body(t, sample, call)
	if !slices.ContainsFunc(s.Provider.Manifest().Actions, func(a plugins.Action) bool {
		return a.Name == call.Facts.Action && a.Method == call.Method
	}) {
		t.Errorf("the manifest has no action %s with %s", call.Facts.Action, call.Method)
	}
	if !strings.HasPrefix(call.Path, "/") || strings.ContainsAny(call.Path, `%\;?#`) || strings.Contains(call.Path, "..") {
		t.Errorf("the upstream path is %q", call.Path)
	}
	if call.Harmless && call.Facts.Mail != nil {
		t.Error("a call that sends mail is said to be harmless: it would be sent again")
	}
	again := s.mustDescribe(t, sample.Request)
	if again.Method != call.Method || again.Path != call.Path || string(again.Body) != string(call.Body) || len(again.Upload) != len(call.Upload) {
		t.Error("the same request is described in two ways")
	}
}

// facts must be the sample's, with a bound of the input that no closer count
// exceeds.
func (s Suite) facts(t *testing.T, sample Sample, call *plugins.Call) {
	got, want := call.Facts, sample.Facts
	if got.InputTokens < want.InputTokens {
		t.Errorf("the input is bounded by %d tokens, and there may be %d", got.InputTokens, want.InputTokens)
	}
	got.InputTokens, want.InputTokens = 0, 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts are\n%+v, want\n%+v", got, want)
		if got.Mail != nil && want.Mail != nil {
			t.Errorf("mail is\n%+v, want\n%+v", *got.Mail, *want.Mail)
		}
	}
	if call.CountInput == nil {
		return
	}
	if n := call.CountInput(); n < 0 || n > call.Facts.InputTokens || n != call.CountInput() {
		t.Errorf("the input is counted as %d tokens, and bounded by %d", n, call.Facts.InputTokens)
	}
}

// body must be held in memory or made from the upload, and within it.
func (s Suite) body(t *testing.T, sample Sample, call *plugins.Call) {
	upload := s.prepare(sample.Request).Upload
	if call.Upload != nil && (call.Body != nil || upload == nil) {
		t.Fatal("the call has an upload besides a body, or made from nothing")
	}
	for _, p := range call.Upload {
		if p.Text == nil && (p.From < 0 || p.Size < 0 || p.From+p.Size > upload.Size()) {
			t.Fatalf("a piece from %d of %d bytes is not in an upload of %d", p.From, p.Size, upload.Size())
		}
	}
	body, size := call.OpenBody(upload)
	if n, err := io.Copy(io.Discard, body); err != nil || n != size {
		t.Errorf("the body has %d bytes and is announced with %d: %v", n, size, err)
	}
}

// concurrently lets the race detector see Describe and the meters.
func (s Suite) concurrently(t *testing.T, sample Sample) {
	var group sync.WaitGroup
	shared := clone(sample.Request)
	for range 8 {
		group.Go(func() {
			call, err := s.Provider.Describe(s.prepare(shared))
			if err != nil {
				t.Error(err)
				return
			}
			meter := s.Provider.NewMeter(call)
			meter.Body([]byte(`{"x":1}`))
			meter.Event([]byte("data: {}\n\n"))
		})
	}
	group.Wait()
}

func clone(r plugins.Request) plugins.Request {
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Body = slices.Clone(r.Body)
	return r
}

// mustRefuse wants a *plugins.Error with the status and code.
func (s Suite) mustRefuse(t *testing.T, what string, r plugins.Request, status int, code string) {
	t.Helper()
	call, err := s.Provider.Describe(s.prepare(r))
	var refused *plugins.Error
	switch {
	case err == nil:
		t.Errorf("%s: accepted as %+v", what, call.Facts)
	case !errors.As(err, &refused) || refused.Status != status || refused.Code != code:
		t.Errorf("%s: got %#v, want %d %s", what, err, status, code)
	case call != nil:
		t.Errorf("%s: refused, but there is a call", what)
	case refused.Message == "":
		t.Errorf("%s: refused without a word", what)
	}
}
