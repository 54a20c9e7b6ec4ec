package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/plugins"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary).want(t, http.StatusSeeOther, "/keys")
	keys, err := c.vault.Credentials()
	c.must(err)
	if len(keys) != 1 || keys[0].Label != "work" {
		t.Fatalf("stored %v", keys)
	}
	page := v.get("/keys")
	if !strings.Contains(page.body, "The key is stored.") || !strings.Contains(page.body, "work") {
		t.Error("does not show the key")
	}

	v.post("/keys/"+keys[0].ID+"/test").want(t, http.StatusSeeOther, "/keys")
	if page = v.get("/keys"); !strings.Contains(page.body, "63 models are listed") {
		t.Error("does not show what the test said")
	}
	v.post("/keys/work/test").want(t, http.StatusNotFound, "") // a label is not an address

	v.post("/keys/"+keys[0].ID+"/remove").want(t, http.StatusSeeOther, "/keys")
	if keys, _ = c.vault.Credentials(); len(keys) != 0 {
		t.Error("not removed")
	}
	for _, kind := range []audit.Kind{audit.KeyAdded, audit.KeyTested, audit.KeyRemoved} {
		if c.events(kind) != 1 {
			t.Errorf("%s is not recorded once", kind)
		}
	}
	c.nowhere(canary)
}

// TestRefusedKeys are forms that come back. None of them may bring the secret
// back.
func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary)
	for name, fields := range map[string][]string{
		"no secret":     {"resource", "llm:openai", "label", "home", "secret", ""},
		"no resource":   {"resource", "", "label", "home", "secret", canary},
		"same label":    {"resource", "llm:openai", "label", "work", "secret", canary},
		"plain http":    {"resource", "llm:openai", "label", "home", "secret", canary, "base_url", "http://example.com"},
		"spaced secret": {"resource", "llm:openai", "label", "home", "secret", " " + canary},
	} {
		got := v.post("/keys", fields...)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Not stored") || strings.Contains(got.body, canary) {
			t.Errorf("%s: %d, secret echoed: %t", name, got.StatusCode, strings.Contains(got.body, canary))
		}
	}
	c.vault.Lock()
	v.post("/keys", "resource", "llm:openai", "label", "late", "secret", canary).want(t, http.StatusConflict, "")
	c.nowhere(canary)
}

// TestBigForm sends more than a form can be, and no more than that: what is
// not read could break the connection before the answer is there.
func TestBigForm(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	c.signedIn().post("/keys", "secret", strings.Repeat("k", 4*plugins.MaxManifestBytes)).want(t, http.StatusRequestEntityTooLarge, "")
}
