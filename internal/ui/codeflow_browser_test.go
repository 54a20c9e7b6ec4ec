package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowserCodeFlow follows an app's link from another site, signs in,
// approves, and ends at the app: what SameSite cookies and form-action allow
// only a browser can tell.
func TestBrowserCodeFlow(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	var consent string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/cb" {
			fmt.Fprint(w, "<p>Back in the app</p>")
			return
		}
		fmt.Fprintf(w, `<a id="connect" href="%s">Connect</a>`, c.url+consent)
	}))
	t.Cleanup(app.Close)
	consent = "/requests/" + c.inBrowser(app.URL+"/cb")

	j := &journey{browser: openBrowser(t), c: c, desk: "desktop", pages: map[string]string{}}
	j.look(j.looks()[0])
	j.do("opening the app", chromedp.Navigate(strings.Replace(app.URL, "127.0.0.1", "localhost", 1)+"/"))
	j.do("following its link", chromedp.Click(chromedp.ID("connect")), chromedp.WaitVisible(chromedp.ID("passphrase")))
	j.fill("passphrase", passphrase)
	j.press(`form[action="/sign-in"] button`)
	j.see("Is it really your app?")
	j.see("Sends you back to")
	j.see(app.URL)
	j.press(`form[action$="/approve"] button.primary`)
	j.see("Back in the app")
	at, err := url.Parse(run(j.browser, "reading the address", chromedp.Location()))
	if err != nil || at.Query().Get("code") == "" || at.Query().Get("state") != "s1" || at.Query().Get("iss") != c.url {
		t.Errorf("ended at %v", at)
	}
}
