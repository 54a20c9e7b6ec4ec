package plugins

import (
	"net/http"
	"testing"
)

// named is a provider that has nothing but a name.
type named string

func (n named) Manifest() Manifest                     { return Manifest{ID: string(n)} }
func (named) Describe(Request) (*Call, error)          { return nil, UnsupportedEndpoint("none") }
func (named) NewMeter(*Call) Meter                     { return nil }
func (named) ResponseHeader(h http.Header) http.Header { return AllowHeader(h) }
func (named) ErrorBody(Failure) []byte                 { return []byte("{}") }
func (named) ErrorEvent(Failure) []byte                { return []byte("data: {}\n\n") }
func (named) Probe() Probe                             { return Probe{} }

func TestRegistry(t *testing.T) {
	t.Parallel()
	r, err := NewRegistry([]Provider{named("mail:b"), named("llm:a")})
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := r.Lookup("llm:a"); !ok || p.Manifest().ID != "llm:a" {
		t.Errorf("Lookup: got %v, %v", p, ok)
	}
	for _, id := range []string{"", "llm:", "LLM:A", "llm:a ", "llm:c"} {
		if _, ok := r.Lookup(id); ok {
			t.Errorf("Lookup(%q) found something", id)
		}
	}
	all := r.All()
	if len(all) != 2 || all[0].Manifest().ID != "llm:a" {
		t.Errorf("All: got %v, want both in order", all)
	}
	all[0] = nil
	if r.All()[0] == nil {
		t.Error("All hands out the registry's own slice")
	}
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	if _, err := NewRegistry([]Provider{named("llm:a"), named("llm:a")}); err == nil {
		t.Error("two providers with one id were accepted")
	}
	if _, err := NewRegistry([]Provider{nil}); err == nil {
		t.Error("a nil provider was accepted")
	}
}

func TestSetOutputCap(t *testing.T) {
	t.Parallel()
	call := &Call{Body: []byte("body")}
	if err := call.SetOutputCap(5); err != nil || string(call.Body) != "body" || call.Facts.OutputTokens != 0 {
		t.Errorf("an action without output: got %v, %q, %d", err, call.Body, call.Facts.OutputTokens)
	}
	call.CapOutput = func(body []byte, limit int64) ([]byte, error) { return append(body, '!'), nil }
	for _, bad := range []int64{0, -1} {
		if err := call.SetOutputCap(bad); err == nil {
			t.Errorf("a cap of %d was accepted", bad)
		}
	}
	if err := call.SetOutputCap(5); err != nil || string(call.Body) != "body!" || call.Facts.OutputTokens != 5 {
		t.Errorf("got %v, %q, %d", err, call.Body, call.Facts.OutputTokens)
	}
	if err := call.SetOutputCap(9); err != nil || call.Facts.OutputTokens != 5 {
		t.Errorf("a higher cap raised the fact: %v, %d", err, call.Facts.OutputTokens)
	}
}
