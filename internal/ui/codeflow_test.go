package ui_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/pairing"
)

// inBrowser is an app whose request the owner's browser has brought.
func (c *console) inBrowser(redirectURI string) (id string) {
	c.t.Helper()
	s, err := c.pairing.CreateString(pairing.StringOptions{})
	c.must(err)
	a := c.redeem(s.Value, `{"client_name":"Notes","redirect_uris":["`+redirectURI+`"]}`)
	pushed, err := c.pairing.Push(context.Background(), pairing.PushRequest{
		ClientID: a.id, ResponseType: "code", RedirectURI: redirectURI, State: "s1", AuthorizationDetails: wantsOpenAI,
		CodeChallenge: strings.Repeat("x", 43), CodeChallengeMethod: "S256", Address: "192.0.2.17",
	})
	c.must(err)
	opened, err := c.pairing.Open(context.Background(), pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI})
	c.must(err)
	return opened.RequestID
}

func TestConsentInTheBrowser(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for redirectURI, policy := range map[string]string{
		"https://notes.example/cb":   "form-action 'self' https:;",
		"http://127.0.0.1:7171/cb?x": "form-action 'self' https: http://127.0.0.1:7171;",
	} {
		at := "/requests/" + c.inBrowser(redirectURI)
		page := v.get(at)
		page.want(t, http.StatusOK, "")
		origin, _, _ := strings.Cut(strings.TrimPrefix(redirectURI, "https://"), "/cb")
		if !strings.Contains(page.body, "Sends you back to") || !strings.Contains(page.body, origin) || strings.Contains(page.body, "<dt>Code</dt>") {
			t.Error("does not say where the browser goes")
		}
		if got := page.Header.Get("Content-Security-Policy"); !strings.Contains(got, policy) || !strings.Contains(got, "default-src 'none'") {
			t.Errorf("content policy %q", got)
		}
		got := v.post(at+"/approve", "until", "1d", "models-0", "", "amount-0", "uncapped")
		to, err := url.Parse(got.location())
		if err != nil || got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.location(), redirectURI) ||
			to.Query().Get("state") != "s1" || to.Query().Get("iss") != c.url || len(to.Query().Get("code")) != 43 {
			t.Errorf("%d to %s", got.StatusCode, got.location())
		}
		v.post(at+"/approve", "until", "1d", "models-0", "", "amount-0", "uncapped").want(t, http.StatusConflict, "")
	}
	if page := v.get("/requests/" + c.asks("Other", wantsOpenAI).request().ID); !strings.Contains(page.Header.Get("Content-Security-Policy"), "form-action 'self';") {
		t.Error("forms of other requests may leave the console")
	}
}

func TestDenialInTheBrowser(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	at := "/requests/" + c.inBrowser("https://notes.example/cb")
	got := v.post(at + "/deny")
	to, err := url.Parse(got.location())
	if err != nil || got.StatusCode != http.StatusSeeOther || to.Host != "notes.example" ||
		to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "s1" || to.Query().Get("iss") != c.url {
		t.Errorf("%d to %s", got.StatusCode, got.location())
	}
	v.post(at+"/approve", "until", "1d", "models-0", "", "amount-0", "uncapped").want(t, http.StatusConflict, "")
}
