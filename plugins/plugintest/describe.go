package plugintest

import (
	"encoding/json"
	"errors"
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
	call, err := s.Provider.Describe(r)
	if err != nil {
		t.Fatalf("a valid request is refused: %v", err)
	}
	return call
}

// describe must find the facts, leave the request alone, and aim at the
// endpoint of the action.
func (s Suite) describe(t *testing.T, sample Sample) {
	sample.Request = clone(sample.Request)
	before := clone(sample.Request)
	call := s.mustDescribe(t, sample.Request)
	if !reflect.DeepEqual(before, sample.Request) {
		t.Error("Describe changed the request")
	}
	if !reflect.DeepEqual(call.Facts, sample.Facts) {
		t.Errorf("facts are\n%+v, want\n%+v", call.Facts, sample.Facts)
	}
	if !slices.ContainsFunc(s.Provider.Manifest().Actions, func(a plugins.Action) bool {
		return a.Name == call.Facts.Action && a.Method == call.Method
	}) {
		t.Errorf("the manifest has no action %s with %s", call.Facts.Action, call.Method)
	}
	if !strings.HasPrefix(call.Path, "/") || strings.ContainsAny(call.Path, `%\;?#`) || strings.Contains(call.Path, "..") {
		t.Errorf("the upstream path is %q", call.Path)
	}
	again := s.mustDescribe(t, sample.Request)
	if again.Method != call.Method || again.Path != call.Path || string(again.Body) != string(call.Body) {
		t.Error("the same request is described in two ways")
	}
}

// concurrently lets the race detector see Describe and the meters.
func (s Suite) concurrently(t *testing.T, sample Sample) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			call, err := s.Provider.Describe(sample.Request)
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

// headers from the client must not reach the upstream unless they describe the
// request, and a call must not carry a credential of any kind.
func (s Suite) headers(t *testing.T, sample Sample) {
	r := clone(sample.Request)
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "DPoP", "X-Api-Key", "Api-Key", "X-Goog-Api-Key",
		"OpenAI-Organization", "OpenAI-Project", "Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Real-Ip", "Via", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "Expect", "Content-Length", "Origin", "Referer", "User-Agent", "X-Stainless-Os",
		"X-Http-Method-Override", "X-Original-Url", "X-Rewrite-Url", "Range", "If-None-Match", "Accept-Encoding",
	} {
		r.Header.Set(name, "canary")
	}
	for name, values := range s.mustDescribe(t, r).Header {
		if strings.Contains(strings.Join(values, " "), "canary") {
			t.Errorf("%s of the client reaches the upstream", name)
		}
	}
	call := s.mustDescribe(t, sample.Request)
	name := s.Provider.Manifest().Credential.Header
	if call.Header.Get(name) != "" || call.Header.Get("Authorization") != "" {
		t.Error("the call carries a credential before the policy has spoken")
	}
	if err := plugins.Authorize(call.Header, s.Provider.Manifest(), []byte("owners-key")); err != nil {
		t.Error(err)
	}
	r = clone(sample.Request)
	r.RawQuery = "zz_canary=1"
	if call, err := s.Provider.Describe(r); err == nil && strings.Contains(call.RawQuery, "canary") {
		t.Error("a query parameter nobody knows reaches the upstream")
	}
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
	call, err := s.Provider.Describe(r)
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
