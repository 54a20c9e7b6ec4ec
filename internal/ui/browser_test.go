package ui_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// stepTime bounds one step in the browser. It is generous: it only ends a
// test that hangs.
const stepTime = 5 * time.Minute

// look is how a page is looked at.
type look struct {
	name          string
	width, height int64
	scheme        string
}

// looks are a desk and a small phone, by day and by night.
var looks = []look{
	{"desktop-light", 1200, 900, "light"},
	{"desktop-dark", 1200, 900, "dark"},
	{"phone-light", 360, 740, "light"},
	{"phone-dark", 360, 740, "dark"},
}

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no browser found: install chromium (go tool task test does), or name one with CHROMIUM=/path/to/chromium")
	return ""
}

// browser is one tab of a real browser with a profile of its own.
type browser struct {
	t    *testing.T
	ctx  context.Context
	said func() (chromedp.ConsoleMessage, error, bool) // the next message of the tab's console
	mark int
	at   look
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	var options []chromedp.ExecAllocatorOption
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
		"disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	// Without a profile directory of ours the allocator makes a fresh one, and
	// removes it when the browser has ended.
	options = append(options, chromedp.ExecPath(chromium(t)), chromedp.WSURLReadTimeout(stepTime))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	t.Cleanup(cancel)
	// The first run starts the browser and must not have a time limit of its
	// own: the browser would end with it.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	said, end := iter.Pull2(chromedp.Console(ctx))
	t.Cleanup(end)
	return &browser{t: t, ctx: ctx, said: said}
}

// do runs steps and ends the test when one fails.
func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	run(b, what, chromedp.Steps(steps...))
}

// run runs one action and ends the test when it fails.
func run[T any](b *browser, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		ctx, cancel := context.WithTimeout(b.ctx, stepTime)
		defer cancel()
		at, _ := chromedp.Run(ctx, chromedp.Location())
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("%s: %v\nat %s:\n%.2000s", what, err, at, text)
	}
	return v
}

// look sets the size of the window and the theme.
func (b *browser) look(l look) {
	b.t.Helper()
	b.at = l
	b.do("changing the look", chromedp.EmulateViewport(l.width, l.height),
		chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: l.scheme},
					// Pictures are not to be taken half way between two colours.
					{Name: "prefers-reduced-motion", Value: "reduce"},
				},
			})
			return err
		}))
}

// overflowing names what sticks out of the window at its right, and is not
// inside something that scrolls or is cut.
const overflowing = `(() => {
  const out = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) out.push("the page scrolls sideways: " + document.documentElement.scrollWidth + " > " + width);
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest(".unseen, .skip, svg")) continue;
    let box = e.parentElement, cut = false;
    for (; box; box = box.parentElement) if (box !== document.body && getComputedStyle(box).overflowX !== "visible") cut = true;
    if (!cut && e.getBoundingClientRect().right > width + 0.5) out.push(e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 60));
  }
  return out;
})()`

// unlabelled names controls that say nothing to somebody who cannot see them.
const unlabelled = `(() => {
  const out = [];
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!e.labels?.length && !e.getAttribute("aria-label")) out.push(e.outerHTML);
  for (const e of document.querySelectorAll("button, a, summary"))
    if (!e.hidden && !e.textContent.trim() && !e.getAttribute("aria-label")) out.push(e.outerHTML);
  for (const e of document.querySelectorAll("svg"))
    if (e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label")) out.push(e.outerHTML.slice(0, 80));
  const seen = new Set();
  for (const e of document.querySelectorAll("[id]")) { if (seen.has(e.id)) out.push("id twice: " + e.id); seen.add(e.id); }
  if (document.querySelectorAll("h1").length !== 1) out.push("not one h1");
  return out;
})()`

// inspect holds the page that is open to what every page must be.
func (b *browser) inspect(name string) {
	b.t.Helper()
	out := run(b, "measuring "+name, chromedp.Evaluate[[]string](overflowing))
	mute := run(b, "inspecting "+name, chromedp.Evaluate[[]string](unlabelled))
	for _, what := range out {
		b.t.Errorf("%s: wider than the window: %s", name, what)
	}
	for _, what := range mute {
		b.t.Errorf("%s: not accessible: %s", name, what)
	}
	b.silent(name)
}

// silent fails for everything that the tab's console has said since it was
// last asked. Refusals of the content security policy are among it.
func (b *browser) silent(name string) {
	b.t.Helper()
	for _, m := range b.heard() {
		if m.Type != chromedp.ConsoleLog && m.Type != chromedp.ConsoleInfo && m.Type != chromedp.ConsoleDebug {
			b.t.Errorf("%s: the browser complains: %s (%s)", name, m, m.URL)
		}
	}
}

// heard takes what the console has said so far. It says something itself and
// reads up to that: no time has to pass.
func (b *browser) heard() []chromedp.ConsoleMessage {
	b.t.Helper()
	b.mark++
	mark := fmt.Sprintf("heard up to here, %d", b.mark)
	b.do("marking the console", ignore(chromedp.Evaluate[*runtime.RemoteObject](fmt.Sprintf("console.debug(%q)", mark))))
	var all []chromedp.ConsoleMessage
	for {
		m, err, ok := b.said()
		if err != nil || !ok {
			b.t.Fatalf("reading the console: %v", err)
		}
		if m.Text == mark {
			return all
		}
		all = append(all, m)
	}
}

// ignore drops what an action returns.
func ignore[T any](a chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := a(ctx, tab)
		return err
	})
}

// shoot writes a picture of the whole page.
func (b *browser) shoot(dir, name string) {
	b.t.Helper()
	// The window is made as tall as the page first, so that what is fixed to
	// its lower edge is at the end of the picture and not across it.
	tall := run(b, "measuring "+name, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
	b.do("making room", chromedp.EmulateViewport(b.at.width, max(tall, b.at.height)))
	defer b.look(b.at)
	picture := run(b, "taking a picture of "+name, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// screenshots is the folder for pictures.
func screenshots(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KEYWICKET_SCREENSHOTS")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return dir
}
