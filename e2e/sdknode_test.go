package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/fakeupstream"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// TestJavaScriptSDKs runs the providers' own JavaScript libraries, and the ai
// package, through a gateway with a fetch that signs. One process runs them all;
// what it cannot do itself, such as revoking an app, it asks of this one.
func TestJavaScriptSDKs(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("node/node_modules/openai"); err != nil {
		t.Fatal("the JavaScript libraries are not installed: run go tool task node")
	}
	h := newHouse(t)
	butler := httptest.NewServer(h.butler())
	t.Cleanup(butler.Close)
	cmd := exec.CommandContext(t.Context(), "node", "--test-reporter=tap", "sdk.test.mjs")
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "KEYWICKET_BUTLER="+butler.URL, "NODE_NO_WARNINGS=1")
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^# pass (\d+)$`).FindSubmatch(out)
	if err != nil || passed == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n, _ := strconv.Atoi(string(passed[1])); n < 30 || !bytes.Contains(out, []byte("\n# skipped 0\n")) {
		t.Errorf("%d tests passed\n%s", n, out)
	}
}

// butler does for another process what only the owner and the fakes can.
func (h *house) butler() http.Handler {
	mux := http.NewServeMux()
	answering(mux, "/pair", func(r *http.Request, document json.RawMessage) (any, error) {
		out, err := h.Admin.Pair(r.Context(), admin.PairInput{Documents: string(document), Approve: true, Term: admin.Term{Forever: true}})
		return out.PairingString, err
	})
	answering(mux, "/revoke", func(r *http.Request, app string) (any, error) { return h.Admin.Revoke(r.Context(), app) })
	answering(mux, "/cost", func(_ *http.Request, in struct {
		Resource, Model string
		Totals          client.Totals
	}) (any, error) {
		return h.cost(in.Resource, in.Model, in.Totals), nil
	})
	answering(mux, "/script", func(_ *http.Request, in struct {
		Provider      string
		Status, Times int
		Endless       bool
		Slow          int // milliseconds before each word
	}) (any, error) {
		f := fakeupstream.Fault{Status: in.Status, Times: in.Times, Endless: in.Endless, WordDelay: time.Duration(in.Slow) * time.Millisecond}
		return nil, h.script(in.Provider, f)
	})
	answering(mux, "/heal", func(r *http.Request, resource string) (any, error) { return nil, h.heal(r.Context(), resource) })
	answering(mux, "/seen", func(*http.Request, any) (any, error) {
		return map[string]int{
			"openai": h.Fake.Count(), "anthropic": h.anthropic.Count(), "gemini": h.gemini.Count(), "groq": h.groq.Count(), "resend": h.resend.Count(),
		}, nil
	})
	return mux
}

// script has a provider's fake misbehave.
func (h *house) script(provider string, f fakeupstream.Fault) error {
	of := openaifake.Fault{Times: f.Times, Status: f.Status, Endless: f.Endless, WordDelay: f.WordDelay}
	switch provider {
	case "openai":
		h.Fake.Script(of)
	case "groq":
		h.groq.Script(of)
	case "anthropic":
		h.anthropic.Script(f)
	case "gemini":
		h.gemini.Script(f)
	case "resend":
		h.resend.Script(f)
	default:
		return fmt.Errorf("there is no provider %q", provider)
	}
	return nil
}

// answering serves one wish, JSON in and out.
func answering[T any](mux *http.ServeMux, path string, do func(*http.Request, T) (any, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in T
		err := json.NewDecoder(r.Body).Decode(&in)
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		if err != nil {
			http.Error(w, errors.Join(errors.New(path), err).Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(out) // a process that has gone asks no more
	})
}
