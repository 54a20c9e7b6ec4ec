package e2e_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// ownerBrowser is the owner at the console, in a browser that follows no
// redirect away from it.
type ownerBrowser struct {
	web http.Client
	url string
}

func (g *gateway) owner(t *testing.T) *ownerBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &ownerBrowser{url: g.URL, web: http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), g.URL+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
	answer, err := o.web.PostForm(g.URL+"/sign-in", url.Values{"passphrase": {passphrase}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return o
}

// approve opens the URL that an app has sent the browser to, grants what is
// asked for a day, and says where the browser is sent back to.
func (o *ownerBrowser) approve(t *testing.T, at string) string {
	t.Helper()
	return o.decide(t, at, "approve", url.Values{"until": {"1d"}, "models-0": {"gpt-4o*"}, "amount-0": {"uncapped"}})
}

func (o *ownerBrowser) decide(t *testing.T, at, verdict string, form url.Values) string {
	t.Helper()
	page, err := o.web.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if !strings.HasPrefix(page.Request.URL.Path, "/requests/") {
		t.Fatalf("%s led to %d %s", at, page.StatusCode, page.Request.URL)
	}
	decided, err := o.web.PostForm(page.Request.URL.String()+"/"+verdict, form)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := readAnswer(t, decided)
	back := decided.Header.Get("Location")
	if decided.StatusCode != http.StatusSeeOther || back == "" {
		t.Fatalf("%s: %d to %q: %s", verdict, decided.StatusCode, back, body)
	}
	return back
}
