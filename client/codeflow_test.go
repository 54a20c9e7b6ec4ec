package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
)

// visit is the owner's browser: it follows redirects and gives the last answer.
func visit(t testing.TB, url string) *http.Response {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return nil
	}
	_ = answer.Body.Close()
	return answer
}

// begun is a code flow that waits for what the browser brings back.
func begun(t *testing.T, g *gateway, change ...func(*client.App)) (a *client.Authorization, answer url.Values) {
	t.Helper()
	app := client.App{Name: "Notes", Ask: []client.Permission{{Resource: "llm:openai"}}}
	for _, change := range change {
		change(&app)
	}
	a, err := client.Authorize(t.Context(), g.newString(), app, "https://notes.example/back")
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	redirect, err := browser.Get(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer redirect.Body.Close()
	to, err := redirect.Location()
	if err != nil || !strings.HasPrefix(to.String(), "https://notes.example/back?") {
		t.Fatalf("redirected to %v, %v", to, err)
	}
	return a, to.Query()
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "EdDSA", "Ed25519", "PS256"} {
		g := newGateway(t)
		keys := client.MemoryKeyStore()
		a, answer := begun(t, g, func(app *client.App) { app.Keys, app.Alg = keys, alg })
		c, err := a.Complete(t.Context(), answer)
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if r, body := post(t, c, "hello"); r.StatusCode != 200 || body != "hello" {
			t.Errorf("%s: %d %s", alg, r.StatusCode, body)
		}
		if again, err := client.Open(t.Context(), keys, client.App{}); err != nil || again.ClientID() != c.ClientID() {
			t.Errorf("%s: opening again: %v", alg, err)
		}
		if _, err := a.Complete(t.Context(), answer); !errors.Is(err, client.ErrRedirect) {
			t.Errorf("%s: completing twice: %v, want ErrRedirect", alg, err)
		}
	}
}

func TestCodeFlowTakesOnlyItsOwnAnswer(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, good := begun(t, g)
	for name, change := range map[string]func(url.Values){
		"no state":       func(v url.Values) { v.Del("state") },
		"another state":  func(v url.Values) { v.Set("state", "x") },
		"two states":     func(v url.Values) { v.Add("state", v.Get("state")) },
		"no iss":         func(v url.Values) { v.Del("iss") },
		"another iss":    func(v url.Values) { v.Set("iss", "https://other.example") },
		"two iss":        func(v url.Values) { v.Add("iss", v.Get("iss")) },
		"no code":        func(v url.Values) { v.Del("code") },
		"two codes":      func(v url.Values) { v.Add("code", "x") },
		"code and error": func(v url.Values) { v.Set("error", "access_denied") },
		"nothing":        func(v url.Values) { clear(v) },
		"error elsewhere": func(v url.Values) {
			v.Del("code")
			v.Set("error", "access_denied")
			v.Set("iss", "https://other.example")
		},
	} {
		bad := url.Values{}
		for key, values := range good {
			bad[key] = append([]string(nil), values...)
		}
		change(bad)
		if _, err := a.Complete(t.Context(), bad); !errors.Is(err, client.ErrRedirect) {
			t.Errorf("%s: %v, want ErrRedirect", name, err)
		}
	}
	if _, err := a.Complete(t.Context(), good); err != nil {
		t.Errorf("the good answer afterwards: %v", err)
	}
}

func TestCodeFlowDenied(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.decide = func(*ask) string { return "access_denied" }
	keys := client.MemoryKeyStore()
	a, answer := begun(t, g, func(app *client.App) { app.Keys = keys })
	if _, err := a.Complete(t.Context(), answer); !errors.Is(err, client.ErrAccessDenied) {
		t.Errorf("%v, want ErrAccessDenied", err)
	}
	if _, err := client.Open(t.Context(), keys, client.App{}); !errors.Is(err, client.ErrAccessDenied) {
		t.Errorf("opening after that: %v, want ErrAccessDenied", err)
	}
}

func TestCodeFlowNeedsItsEndpoints(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.metadata = func(m map[string]any) { delete(m, "pushed_authorization_request_endpoint") }
	value := g.newString()
	if _, err := client.Authorize(t.Context(), value, client.App{Name: "Notes"}, "https://notes.example/back"); err == nil {
		t.Error("no error without an endpoint for pushed requests")
	}
	g.metadata = func(m map[string]any) { m["authorization_endpoint"] = "https://other.example/authorize" }
	if _, err := client.Authorize(t.Context(), value, client.App{Name: "Notes"}, "https://notes.example/back"); !errors.Is(err, client.ErrForeignOrigin) {
		t.Errorf("authorization endpoint elsewhere: %v, want ErrForeignOrigin", err)
	}
	g.metadata = nil
	if _, err := client.Authorize(t.Context(), value, client.App{Name: "Notes"}, "https://notes.example/back"); err != nil {
		t.Errorf("the string is spent: %v", err)
	}
}

// TestPairInBrowser: strangers that call the port neither end nor disturb the wait.
func TestPairInBrowser(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, err := client.PairInBrowser(t.Context(), g.newString(), client.App{Name: "Notes"}, func(at string) error {
		g.mu.Lock()
		var back string
		for _, form := range g.pushed {
			back = form.Get("redirect_uri")
		}
		g.mu.Unlock()
		for _, stranger := range []string{"", "?code=a&state=b", "?code=a&iss=" + url.QueryEscape(g.issuer), "?error=access_denied"} {
			if answer := visit(t, back+stranger); answer == nil || answer.StatusCode != 400 {
				t.Errorf("%q: %v", stranger, answer)
			}
		}
		go func() {
			if answer := visit(t, at); answer == nil || answer.StatusCode != 200 {
				t.Errorf("the owner's browser got %v", answer)
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := post(t, c, "hello"); r.StatusCode != 200 {
		t.Errorf("calling: %d", r.StatusCode)
	}
}

func TestPairInBrowserEndsWithItsContext(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := client.PairInBrowser(ctx, g.newString(), client.App{Name: "Notes"}, func(string) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	broken := errors.New("no browser here")
	_, err = client.PairInBrowser(t.Context(), g.newString(), client.App{Name: "Notes"}, func(string) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("%v, want the error of open", err)
	}
}
