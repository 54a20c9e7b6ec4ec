package ui_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/keywicket/keywicket/internal/pairing"
)

// journey is an owner with a browser in front of a new gateway.
type journey struct {
	*browser
	c     *console
	desk  string // desktop or phone
	shots string
	pages map[string]string // the HTML of what was seen, by name
}

// TestBrowserJourney is the owner's way from the set-up link to a revoked
// app, on a desk with script and on a phone without: every page must do its
// work without script.
func TestBrowserJourney(t *testing.T) {
	t.Parallel()
	shots := screenshots(t)
	for desk, script := range map[string]bool{"desktop": true, "phone": false} {
		t.Run(desk, func(t *testing.T) {
			t.Parallel()
			j := &journey{browser: openBrowser(t), c: newConsole(t), desk: desk, shots: shots, pages: map[string]string{}}
			j.look(j.looks()[0])
			if !script {
				j.do("switching script off", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
					_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
					return err
				}))
			}
			j.setUp()
			j.addKey()
			j.rotate()
			j.provide()
			app := j.pairApp(script)
			j.approve(app)
			j.watch(app)
			j.spend(app)
			j.stop(app)
			j.leave()
			j.secrets()
		})
	}
}

func (j *journey) setUp() {
	token, err := j.c.owner.SetupToken()
	j.c.must(err)
	j.open("/setup?token="+url.QueryEscape(token), "setup")
	j.fill("passphrase", passphrase)
	j.fill("again", passphrase)
	j.press(`main form button[type=submit]`)
	j.see("Your recovery code")
	j.seen("recovery-code")
	j.open("/", "")
	j.see("The vault is set up and unlocked.")
	j.seen("overview-first")
}

func (j *journey) addKey() {
	j.open("/keys", "keys-none")
	j.fill("label", "work")
	j.fill("secret", canary)
	j.press(`form[action="/keys"] button`)
	j.see("The key is stored.")
	j.press(`form[action$="/test"] button`)
	j.see("OpenAI accepts this key")
	j.seen("keys")
	j.do("asking to remove", chromedp.Click(chromedp.CSS(".confirm summary")), chromedp.WaitVisible(chromedp.CSS(".confirm .danger")))
	j.seen("keys-removing")
}

// pairApp makes a string with script (and its copy button) or without.
func (j *journey) pairApp(script bool) *app {
	j.open("/pair", "pair")
	j.press(`form[action="/pair"] button`)
	j.see("Your pairing string")
	if script {
		j.do("copying", chromedp.Click(chromedp.CSS("button[data-copy]")),
			chromedp.WaitVisible(chromedp.CSS("button[data-copy]")))
		j.see("Copied")
	}
	value := run(j.browser, "reading the string", chromedp.Value(chromedp.ID("pairing-string")))
	j.seen("paired")
	return j.c.redeem(value, `{"client_name":"Notes","client_uri":"https://notes.example"}`).ask(
		`[{"type":"keywicket","identifier":"llm:openai","actions":["chat.completions","models.list"],"models":["gpt-4o*"],` +
			`"limits":[{"per":"minute","requests":60},{"per":"day","requests":100}],"reason":"Summarises the notes you select."}]`)
}

func (j *journey) approve(a *app) {
	j.open("/", "overview-waiting")
	j.open("/requests", "requests")
	j.follow(a.device.VerificationURIComplete)
	j.open("/device", "device")
	j.fill("user-code", strings.ToLower(a.device.UserCode))
	j.press(`form[action="/device"] button`)
	j.see("Is it really your app?")
	j.see(a.device.UserCode)
	j.seen("consent")
	// Enter must not approve.
	j.do("pressing Enter", chromedp.SendKeys(chromedp.CSS(`input[name="requests-0"]`), "\r"))
	if r := a.request(); r.Status != pairing.RequestPending {
		j.t.Fatal("Enter in a field approved the request")
	}
	j.press(`.verdict .primary`)
	j.see("Approved. The app can start working.")
	a.collect()
	a.use(42)
	a.record("Notes", "gpt-4o", "", 2140, 3906)
	a.record("Notes", "gpt-5", "model_not_allowed", 0, 0)
	a.record("Notes", "gpt-4o-mini", "", 820, 1650)
	a.record("Notes", "gpt-4o-mini-2024-07-18", "", 640, 912)
}

// follow follows a link on the page of another site: the browser withholds
// the session cookie from such a visit.
func (j *journey) follow(link string) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!DOCTYPE html><link rel="icon" href="data:,"><a href="`+html.EscapeString(link)+`">Approve</a>`)
	}))
	defer elsewhere.Close()
	j.do("following a link from another site",
		chromedp.Navigate(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)),
		chromedp.Click(chromedp.CSS("a")), chromedp.WaitVisible(chromedp.CSS(".compare .user-code")))
	j.silent("a link from another site")
}

func (j *journey) watch(a *app) {
	j.open("/apps/"+a.id, "app")
	j.see("42 of 100")
	j.open("/apps", "apps")
	j.open("/activity", "activity")
	j.open("/", "overview")
	j.see("42 of 100")
}

// stop uses every switch from the page it is found on.
func (j *journey) stop(a *app) {
	j.open("/apps", "")
	j.press(`form[action="/freeze"] button`)
	j.see("No app gets anything through")
	j.seen("apps-frozen")
	j.press(`.bar form[action="/thaw"] button`)
	j.see("Thawed.")
	j.press(`form[action="/lock"] button`)
	j.see("The vault is locked.")
	j.press(`.banner a`)
	j.see("Your keys can be used again")
	j.seen("unlock")
	j.fill("passphrase", passphrase)
	j.press(`form[action="/unlock"] button`)
	j.see("The vault is unlocked.")

	j.open("/apps/"+a.id, "")
	j.press(`form[action$="/suspend"] button`)
	j.see("Suspended.")
	j.do("asking to revoke", chromedp.Click(chromedp.CSS(".confirm summary")), chromedp.WaitVisible(chromedp.CSS(".confirm .danger")))
	j.seen("app-revoking")
	j.press(".confirm .danger")
	j.see("Revoked for good.")
	j.seen("app-revoked")
	j.open("/apps/app_none", "")
	j.see("No such app")
	j.heard() // the browser complains about the status, as it should
	j.seen("failure")
}

func (j *journey) leave() {
	j.press(`form[action="/sign-out"] button`)
	j.see("You are signed out.")
	j.seen("sign-in")
	j.c.vault.Lock()
	j.open("/keys", "sign-in-locked")
	j.fill("passphrase", passphrase)
	j.press(`form[action="/sign-in"] button`)
	j.see("Add a key")
	if j.c.vault.Locked() {
		j.t.Error("signing in with the box ticked did not unlock the vault")
	}
}

// secrets looks for what must not be in any page.
func (j *journey) secrets() {
	for name, page := range j.pages {
		for _, secret := range []string{canary, passphrase} {
			if strings.Contains(page, secret) {
				j.t.Errorf("%s has a secret in it", name)
			}
		}
	}
	j.c.nowhere(canary)
	j.c.nowhere(passphrase)
}

func (j *journey) looks() []look {
	var mine []look
	for _, l := range looks {
		if strings.HasPrefix(l.name, j.desk) {
			mine = append(mine, l)
		}
	}
	return mine
}

// open goes to a page; with a name it is looked at too.
func (j *journey) open(path, name string) {
	j.t.Helper()
	j.do("opening "+path, chromedp.Navigate(j.c.url+path))
	if name != "" {
		j.seen(name)
	}
}

// seen inspects the page that is open, at every look, and takes pictures.
func (j *journey) seen(name string) {
	j.t.Helper()
	j.pages[name] = run(j.browser, "reading "+name, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
	for _, l := range j.looks() {
		j.look(l)
		j.inspect(name + " " + l.name)
		j.shoot(j.shots, name+"-"+l.name)
	}
	j.look(j.looks()[0])
}

func (j *journey) fill(id, text string) {
	j.t.Helper()
	j.do("filling in "+id, chromedp.SendKeys(chromedp.ID(id), text))
}

// press clicks and waits for the next page.
func (j *journey) press(selector string) {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.ctx, stepTime)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		j.do("pressing "+selector, chromedp.Func(func(context.Context, *chromedp.Target) error { return err }))
	}
}

// see waits until the page says text: what a click does may come a moment
// later. It gives up after a minute.
func (j *journey) see(text string) {
	j.t.Helper()
	body := ""
	for range 600 {
		body = run(j.browser, "reading the page", chromedp.Evaluate[string]("document.body.innerText"))
		if strings.Contains(body, text) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	j.t.Fatalf("the page does not say %q:\n%s", text, body)
}
