package ui_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
)

var pairingString = regexp.MustCompile(`pair::http://127\.0\.0\.1:\d+::[\w-]{43}`)

// shownString is the pairing string in a page.
func shownString(t *testing.T, body string) string {
	t.Helper()
	found := pairingString.FindString(html.UnescapeString(body))
	if found == "" {
		t.Fatalf("no pairing string in:\n%s", body)
	}
	return found
}

func TestPairingStringIsShownOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	got := v.post("/pair", "decide", "later", "valid", "10")
	got.want(t, http.StatusOK, "")
	value := shownString(t, got.body)
	if got.Header.Get("Cache-Control") != "no-store" || len(got.Cookies()) != 0 {
		t.Error("may be kept by the browser")
	}
	if !strings.Contains(got.body, `<svg class="qr"`) || !strings.Contains(got.body, "Valid until") {
		t.Error("no QR code, or no end")
	}
	code := value[strings.LastIndex(value, ":")+1:]
	for _, r := range c.ui.Routes() {
		if r.Method == http.MethodGet && strings.Contains(v.get(address(r)).body, code) {
			t.Errorf("%s shows the string again", r.Path)
		}
	}
	c.nowhere(code)
	c.redeem(value, `{"client_name":"Notes"}`)
}

func TestPairWithPreset(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	got := v.post("/pair", "decide", "now", "valid", "10", "resource", "llm:openai", "models", "gpt-4o*, o3 ,gpt-4o*",
		"amount", "capped", "requests", "50", "until", "7d", "approve", "yes")
	got.want(t, http.StatusOK, "")
	if !strings.Contains(got.body, "gets at once") || !strings.Contains(got.body, "50 requests a day") {
		t.Error("does not say what it is worth")
	}
	a := c.redeem(shownString(t, got.body), `{"client_name":"Notes"}`).ask("")
	a.collect() // approved on redemption
	d := a.granted()
	if d.Resource != "llm:openai" || strings.Join(d.Models, " ") != "gpt-4o* o3" || len(d.Limits) != 1 || d.Limits[0].Requests != 50 {
		t.Errorf("granted %+v", d)
	}
	if left := time.Until(d.ExpiresAt); left > 7*24*time.Hour || left < 7*24*time.Hour-time.Hour {
		t.Errorf("ends in %v", left)
	}
}

func TestPairWithOneKey(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.get("/pair").lacks(t, `name="key"`)
	for _, label := range []string{"work", "home"} {
		v.post("/keys", "resource", "llm:openai", "label", label, "secret", canary)
	}
	v.get("/pair").has(t, `name="key"`, `<optgroup label="OpenAI">`, `value="llm:openai home"`)
	form := []string{"decide", "now", "valid", "10", "models", "", "amount", "uncapped", "until", "7d", "approve", "yes", "key", "llm:openai home", "resource"}
	got := v.post("/pair", append(form, "mail:resend")...)
	got.want(t, http.StatusUnprocessableEntity, "")
	got.has(t, "Choose a key of Resend, or any.", `value="llm:openai home" selected`)
	got = v.post("/pair", append(form, "llm:openai")...)
	got.want(t, http.StatusOK, "")
	a := c.redeem(shownString(t, got.body), `{"client_name":"Notes"}`).ask("")
	a.collect()
	if d := a.granted(); d.Key != "home" {
		t.Errorf("granted %+v", d)
	}
}

// TestRefusedStrings are forms that must not make a string.
func TestRefusedStrings(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	now := func(fields ...string) []string {
		return append([]string{"decide", "now", "valid", "10", "resource", "llm:openai"}, fields...)
	}
	for name, fields := range map[string][]string{
		"nothing":            {},
		"no decision":        {"valid", "10"},
		"valid for a day":    {"decide", "later", "valid", "1440"},
		"valid for nothing":  {"decide", "later", "valid", "-1"},
		"no end chosen":      now("models", "", "amount", "capped", "requests", "1"),
		"unknown end":        now("models", "", "amount", "capped", "requests", "1", "until", "never"),
		"no amount chosen":   now("models", "", "until", "30d"),
		"zero requests":      now("models", "", "until", "30d", "amount", "capped", "requests", "0"),
		"words for requests": now("models", "", "until", "30d", "amount", "capped", "requests", "many"),
		"date gone by":       now("models", "", "until", "date", "until_date", "2020-01-01", "amount", "uncapped"),
		"no date":            now("models", "", "until", "date", "amount", "uncapped"),
		"as asked":           now("models", "", "until", "asked", "amount", "uncapped"),
		"unknown resource":   {"decide", "now", "valid", "10", "resource", "llm:nobody", "models", "", "until", "30d", "amount", "uncapped"},
		"no models field":    now("until", "30d", "amount", "uncapped"),
		"strange model":      now("models", "gpt–4o", "until", "30d", "amount", "uncapped"),
	} {
		got := v.post("/pair", fields...)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%s: %d\n%.300s", name, got.StatusCode, got.body)
		}
	}
	if n := c.events(audit.StringCreated); n != 0 {
		t.Errorf("%d strings were made", n)
	}
}
