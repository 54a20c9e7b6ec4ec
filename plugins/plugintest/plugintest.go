// Package plugintest is the conformance suite that every provider passes in one
// call to [Run]. It checks what the gateway relies on without knowing a dialect:
// that nothing of the client's choosing reaches the upstream but what an
// allowlist names, that ambiguous requests are refused, that answers arrive byte
// for byte and are metered however they are cut, and that refusals say what
// they should. It does not check a dialect's own meaning beyond the samples.
package plugintest

import (
	"io"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// Suite is a provider and what is known about it.
type Suite struct {
	Provider plugins.Provider // required
	Samples  []Sample         // at least one for each action of the manifest
}

// Sample is a valid request, what is to be understood of it, and answers to it.
type Sample struct {
	Name string

	// Request has its body in Body or in Upload, be it JSON, a form or anything
	// else. The provider gets it as the gateway would give it.
	Request plugins.Request

	// Facts are compared as they are, but for InputTokens: the bound that is
	// found must not be lower than this one.
	Facts   plugins.Facts
	AnyJSON bool // the action takes any JSON value as its body, or none
	Answers []Answer
}

// Answer is what a provider sends with status 200.
type Answer struct {
	Stream    bool           // the bytes are an event stream
	Received  string         // from the provider
	Forwarded string         // to the client; empty means as received
	Usage     *plugins.Usage // nil: nothing is reported
	Partial   bool           // the usage is not the last word: the answer breaks off
	Seen      int64          // output tokens there are at least in what was received
}

// Run checks all of it, in parallel subtests.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("manifest", func(t *testing.T) { t.Parallel(); s.manifest(t) })
	t.Run("failures", func(t *testing.T) { t.Parallel(); s.failures(t) })
	t.Run("response headers", func(t *testing.T) { t.Parallel(); s.responseHeaders(t) })
	t.Run("probe", func(t *testing.T) { t.Parallel(); s.probe(t) })
	t.Run("hostile answers", func(t *testing.T) { t.Parallel(); s.hostileAnswers(t) })
	for _, sample := range s.Samples {
		sample.Request = held(t, sample.Request)
		t.Run(sample.Name, func(t *testing.T) {
			t.Parallel()
			t.Run("describe", func(t *testing.T) { t.Parallel(); s.describe(t, sample) })
			t.Run("concurrently", func(t *testing.T) { t.Parallel(); s.concurrently(t, sample) })
			t.Run("headers", func(t *testing.T) { t.Parallel(); s.headers(t, sample) })
			t.Run("endpoints", func(t *testing.T) { t.Parallel(); s.endpoints(t, sample) })
			t.Run("encodings", func(t *testing.T) { t.Parallel(); s.encodings(t, sample) })
			t.Run("bodies", func(t *testing.T) { t.Parallel(); s.bodies(t, sample) })
			t.Run("forms", func(t *testing.T) { t.Parallel(); s.forms(t, sample) })
			t.Run("output cap", func(t *testing.T) { t.Parallel(); s.outputCap(t, sample) })
			t.Run("answers", func(t *testing.T) { t.Parallel(); s.answers(t, sample) })
			t.Run("broken answers", func(t *testing.T) { t.Parallel(); s.brokenAnswers(t, sample) })
		})
	}
}

// held brings a request's body into memory, where it can be altered.
func held(t *testing.T, r plugins.Request) plugins.Request {
	t.Helper()
	if r.Upload == nil {
		return r
	}
	body, err := io.ReadAll(io.NewSectionReader(r.Upload, 0, r.Upload.Size()))
	if err != nil {
		t.Fatal(err)
	}
	r.Body, r.Upload = body, nil
	return r
}
