package ui_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAcceptRestore: every page says that an older database was put back, and
// how to accept it.
func TestAcceptRestore(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	c.restored = true
	if page := v.get("/apps"); !strings.Contains(page.body, "An older database was put back.") {
		t.Error("the page does not show it")
	}
	c.visitor().post("/accept-restore").want(t, http.StatusSeeOther, "/sign-in")
	if !c.restored {
		t.Fatal("a stranger accepted it")
	}
	v.post("/accept-restore", "back", "/apps").want(t, http.StatusSeeOther, "/apps")
	if page := v.get("/apps"); c.restored || !strings.Contains(page.body, "Accepted. Apps are served again.") {
		t.Error("not accepted")
	}
	if c.events("restore.accepted") != 1 {
		t.Error("not recorded")
	}
}
