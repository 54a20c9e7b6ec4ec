package ui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/ui"
)

// address fills in the parameters of a route's path.
func address(r ui.Route) string {
	return strings.NewReplacer(":id", "x_1", ":name", "style.css").Replace(r.Path)
}

// TestGuards sends every route every kind of visitor.
func TestGuards(t *testing.T) {
	t.Parallel()
	fresh, ready := newConsole(t), newConsole(t).setUp()
	for _, r := range fresh.ui.Routes() {
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			path := address(r)
			send := func(v *visitor) reply {
				if r.Method == http.MethodPost {
					return v.post(path)
				}
				return v.get(path)
			}
			beforeSetup, stranger, owner := send(fresh.visitor()), send(ready.visitor()), send(ready.signedIn())
			switch r.Access {
			case ui.SignedIn:
				beforeSetup.want(t, http.StatusSeeOther, "/setup")
				next := "/sign-in"
				if r.Method == http.MethodGet && path != "/" {
					next += "?next=" + url.QueryEscape(path)
				}
				stranger.want(t, http.StatusSeeOther, next)
				if strings.HasPrefix(owner.location(), "/sign-in") && !strings.HasPrefix(r.Path, "/sign-out") {
					t.Error("the owner is sent to sign in")
				}
			case ui.SetupOnly:
				if strings.Contains(stranger.body, "<form") || strings.Contains(owner.body, "name=\"token\"") {
					t.Error("can be set up a second time")
				}
			case ui.Public:
			default:
				t.Errorf("access %q", r.Access)
			}
		})
	}
}

// TestHead sends HEAD to every page: a stranger and the owner get what GET
// gives them, without the page.
func TestHead(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	for _, r := range c.ui.Routes() {
		if r.Method != http.MethodGet {
			continue
		}
		for _, v := range []*visitor{c.visitor(), c.signedIn()} {
			page := v.get(address(r))
			head := v.send(http.MethodHead, address(r), nil, nil)
			head.want(t, page.StatusCode, page.location())
			if head.body != "" {
				t.Errorf("%s: a body", r.Path)
			}
		}
	}
	if v := c.signedIn(); v.send(http.MethodHead, "/freeze", nil, nil).StatusCode != http.StatusMethodNotAllowed {
		t.Error("HEAD reaches a form")
	}
}

// TestUnknownAccessLetsNobodyThrough is about a route that somebody adds and
// forgets to say who may use it.
func TestUnknownAccessLetsNobodyThrough(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	e := newEcho(c, ui.Route{Method: http.MethodGet, Path: "/forgotten"})
	if status := serve(e, "/forgotten"); status != http.StatusForbidden {
		t.Errorf("status %d, want 403", status)
	}
}

// TestFormsOfOtherSitesAreRefused posts what a form on another site would.
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for _, h := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}},
		{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://sub.elsewhere.example"}},
		{"Origin": {"https://elsewhere.example"}},
		{"Origin": {"null"}},
	} {
		for _, r := range c.ui.Routes() {
			if r.Method != http.MethodPost {
				continue
			}
			if got := v.send(http.MethodPost, address(r), url.Values{}, h.Clone()); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d, want 403", r.Path, h, got.StatusCode)
			}
		}
	}
	if c.pairing.Frozen() || c.vault.Locked() {
		t.Error("a form of another site changed something")
	}
}

// TestReadingChangesNothing asks with GET for every address that a form is
// posted to.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for _, r := range c.ui.Routes() {
		v.get(address(r))
	}
	if c.pairing.Frozen() || c.vault.Locked() || c.owner.Session(sessionOf(v)) != nil {
		t.Error("a GET changed something")
	}
}

// TestLinkFromAnotherSite is the visit of a browser that follows an app's
// link: it withholds the session cookie, and sends it from the next page on.
func TestLinkFromAnotherSite(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	h := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}
	got := c.visitor().send(http.MethodGet, "/device?user_code=WDJB-MJHT", nil, h)
	got.want(t, http.StatusOK, "")
	if !strings.Contains(got.body, `content="0; url=/device?user_code=WDJB-MJHT"`) {
		t.Errorf("does not lead on:\n%s", got.body)
	}
	// The next visit comes from this site; without a cookie it must sign in.
	h.Set("Sec-Fetch-Site", "same-origin")
	c.visitor().send(http.MethodGet, "/device?user_code=WDJB-MJHT", nil, h).
		want(t, http.StatusSeeOther, "/sign-in?next=%2Fdevice%3Fuser_code%3DWDJB-MJHT")
}

// TestHeaders holds every page to the headers of a page.
func TestHeaders(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	for path, v := range map[string]*visitor{
		"/": c.signedIn(), "/sign-in": c.visitor(), "/keys": c.signedIn(), "/nowhere": c.signedIn(), "/apps/app_none": c.signedIn(),
	} {
		got := v.get(path)
		for name, want := range map[string]string{
			"Cache-Control":           "no-store",
			"X-Frame-Options":         "DENY",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
			"Content-Security-Policy": ui.ContentPolicy,
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Header.Get(name), want)
			}
		}
	}
	for _, weak := range []string{"unsafe", "data:", "http", "*"} {
		if strings.Contains(ui.ContentPolicy, weak) {
			t.Errorf("the content security policy allows %s", weak)
		}
	}
}
