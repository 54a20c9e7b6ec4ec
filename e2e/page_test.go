package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
)

// pageServer serves the web page of an app, on an origin of its own.
func pageServer(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, file := range map[string]string{
		"/{$}": "page/index.html", "/app.mjs": "page/app.mjs", "/oauth4webapi.mjs": "node/node_modules/oauth4webapi/build/index.js",
	} {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err, "(go tool task node installs the libraries)")
		}
		kind := "text/html; charset=utf-8"
		if strings.HasSuffix(path, ".mjs") {
			kind = "text/javascript"
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// tab is a real browser with a profile of its own.
func tab(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatal("no browser found: install chromium (go tool task test does), or name one with CHROMIUM=/path/to/chromium")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.WSURLReadTimeout(time.Minute)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	t.Cleanup(cancel)
	// The first run starts the browser and must have no time limit of its own:
	// the browser would end with it.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	limited, end := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(end)
	return limited
}

// until waits for a condition in a page, across navigations.
func until(t *testing.T, ctx context.Context, what, condition string) {
	t.Helper()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := chromedp.Run(context.WithoutCancel(ctx), chromedp.Evaluate[string]("location.href + document.body.innerText"))
			t.Fatalf("waiting for %s: %v, %v at %s", what, ctx.Err(), err, text)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// dictation is a provider that streams a chat of a few words. Each waits until
// the one before it was seen at the other end.
type dictation struct {
	url   string
	words int
	seen  chan struct{}
	asked atomic.Int64
}

func newDictation(t *testing.T, words ...string) *dictation {
	t.Helper()
	d := &dictation{words: len(words), seen: make(chan struct{}, len(words))}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		w.Header().Set("Content-Type", eventStream)
		for _, word := range words {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s \"}}]}\n\n", word)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-d.seen:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	d.url = s.URL
	return d
}

// takesOver makes it the gateway's only provider.
func (d *dictation) takesOver(t *testing.T, g *gateway) {
	t.Helper()
	keys, err := g.Admin.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	if _, err := g.Admin.RemoveKey(t.Context(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	in := admin.KeyInput{Resource: "llm:openai", Label: "dictation", BaseURL: d.url + "/v1", Secret: canaryKey, AllowPrivate: true}
	if _, err := g.Admin.AddKey(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// TestPageOfAnotherOrigin: a web page pairs by the code flow and streams a
// chat, from another origin than the gateway's, with a library that has never
// heard of it. The owner decides in the same browser.
func TestPageOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	for name, nonces := range map[string]bool{"plain": false, "server nonces": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, func(cfg *server.Config) { cfg.DPoPNonce = nonces })
			provider := newDictation(t, "one", "two", "three", "four")
			provider.takesOver(t, g)
			page := pageServer(t)
			made, err := g.Admin.Pair(t.Context(), admin.PairInput{
				Documents: written(members{"resource": "llm:openai", "origins": []string{page.URL}}),
			})
			if err != nil {
				t.Fatal(err)
			}
			outcome, text := pairPage(t, g, page.URL+"/#"+url.PathEscape(made.PairingString), provider)
			if outcome.Failed != "" || outcome.Status != 200 || outcome.Scope != "llm:openai" || outcome.Request == "" || !outcome.Ended || outcome.Pieces < provider.words {
				t.Errorf("the page got %+v", outcome)
			}
			if text != "one two three four " {
				t.Errorf("the page shows %q", text)
			}
			if n := provider.asked.Load(); n != 1 {
				t.Errorf("the provider saw %d requests", n)
			}
		})
	}
}

// pageOutcome is what the page says of itself at the end.
type pageOutcome struct {
	Failed, Cause  string
	Scope, Request string
	Status, Pieces int
	Ended          bool
}

// pairPage opens the page, approves, sees each word that the provider sends, and
// waits for the page's outcome.
func pairPage(t *testing.T, g *gateway, at string, provider *dictation) (outcome pageOutcome, text string) {
	t.Helper()
	ctx := tab(t)
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	read := func(selector string) string {
		t.Helper()
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("`+selector+`")?.textContent ?? ""`))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const consent, decided = `document.querySelector("form[action$='/approve']") !== null`, `(document.querySelector("#outcome")?.textContent ?? "") !== ""`
	do("signing in", chromedp.Navigate(g.URL+"/sign-in"), chromedp.SendKeys(chromedp.CSS(`input[name="passphrase"]`), passphrase+"\r"))
	until(t, ctx, "the console", `document.readyState === "complete" && document.querySelector('input[name="passphrase"]') === null`)
	do("opening the page", chromedp.Navigate(at))
	until(t, ctx, "the consent page", consent+" || "+decided)
	if early := read("#outcome"); early != "" {
		t.Fatalf("the page did not get as far as the owner: %s", early)
	}
	do("approving", chromedp.Click(chromedp.CSS(`form[action$="/approve"] button.primary`)))
	for n := range provider.words {
		shown := fmt.Sprintf(`(document.querySelector("#text")?.textContent ?? "").split(" ").length > %d`, n+1)
		until(t, ctx, fmt.Sprintf("word %d", n+1), shown+" || "+decided)
		provider.seen <- struct{}{}
	}
	until(t, ctx, "the outcome", decided)
	shown := read("#outcome")
	text = read("#text")
	if err := json.Unmarshal([]byte(shown), &outcome); err != nil {
		t.Fatalf("%v in %s", err, shown)
	}
	return outcome, text
}
