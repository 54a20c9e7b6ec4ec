package pairing

import (
	"strings"
	"testing"
)

func TestRedirectURIs(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"https://a.example", "https://a.example/cb", "https://a.example:8443/cb?x=1&y=%20", "https://192.0.2.1/cb", "https://[2001:db8::1]/cb",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]:1/", "https://localhost/cb", "https://xn--bcher-kva.example/",
	} {
		if _, err := checkRedirectURIs([]string{uri}); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"", "/cb", "a.example/cb", "//a.example/cb", "http://a.example/cb", "http://localhost/cb", "http://127.0.0.1.a.example/",
		"https:///cb", "https://a.example/#", "https://a.example/#x", "https://u@a.example/", "https://u:p@a.example/", "https://a.example:/",
		"https://a.example/ x", "https://a.example/\n", "https://a.example\\@b.example/", "https://bücher.example/", "https://a%2eexample/",
		"https://2130706433/", "https://0x7f.1/", "https://a.example./cb", "javascript:alert(1)", "com.example.app:/cb", "urn:ietf:wg:oauth:2.0:oob",
		"HTTPS://a.example/", "https://a.example/<x>", `https://a.example/"x`, "https://a.example/" + strings.Repeat("x", 512),
	} {
		if _, err := checkRedirectURIs([]string{uri}); err == nil {
			t.Errorf("%s is taken", uri)
		}
	}
	if _, err := checkRedirectURIs([]string{"https://a.example/", "https://a.example/"}); err == nil {
		t.Error("the same twice is taken")
	}
	if _, err := checkRedirectURIs(strings.Fields(strings.Repeat("https://a.example/ ", 9))); err == nil {
		t.Error("nine are taken")
	}
}

func TestRedirectsMatchExactly(t *testing.T) {
	t.Parallel()
	app := appRecord{App: App{RedirectURIs: []string{"https://a.example/cb?x=1", "http://127.0.0.1:1/cb", "http://[::1]/cb"}}}
	for uri, want := range map[string]bool{
		"https://a.example/cb?x=1":     true,
		"https://a.example/cb":         false,
		"https://a.example/cb?x=1&y=2": false,
		"https://a.example/cb/?x=1":    false,
		"https://A.example/cb?x=1":     false,
		"https://a.example:443/cb?x=1": false,
		"https://a.example/./cb?x=1":   false,
		"http://a.example/cb?x=1":      false,
		"http://127.0.0.1:1/cb":        true,
		"http://127.0.0.1:65000/cb":    true,
		"http://127.0.0.1/cb":          true,
		"http://127.0.0.1:1/cb/":       false,
		"http://127.0.0.1:1/cb?x":      false,
		"http://127.0.0.1:1/cb#x":      false,
		"http://127.0.0.2:1/cb":        false,
		"http://127.0.0.1:1@b.test/cb": false,
		"https://127.0.0.1:1/cb":       false,
		"http://[::1]:9/cb":            true,
		"http://localhost:1/cb":        false,
		"":                             false,
	} {
		if got := app.redirectRegistered(uri); got != want {
			t.Errorf("%q: %v, want %v", uri, got, want)
		}
	}
	if (appRecord{}).redirectRegistered("") {
		t.Error("an app without redirect URIs is answered")
	}
}
