package ui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/ui"
)

// newEcho serves one more route of the console.
func newEcho(c *console, r ui.Route) *echo.Echo {
	e := echo.New()
	e.Add(r.Method, r.Path, func(ctx echo.Context) error { return ctx.NoContent(http.StatusNoContent) }, c.ui.Guard(r.Access))
	return e
}

func serve(h http.Handler, path string) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code
}

// sessionOf is the session token that the visitor holds.
func sessionOf(v *visitor) string {
	at, err := url.Parse(v.url)
	v.must(err)
	r := httptest.NewRequest(http.MethodGet, v.url, nil)
	for _, cookie := range v.client.Jar.Cookies(at) {
		r.AddCookie(cookie)
	}
	return v.owner.Token(r)
}

func TestSetup(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	v := c.visitor()
	token, err := c.owner.SetupToken()
	c.must(err)

	v.get("/").want(t, http.StatusSeeOther, "/setup")
	if got := v.get("/setup"); strings.Contains(got.body, "<form") || !strings.Contains(got.body, "gateway init") {
		t.Error("without the link there is a form, or no word on where to find the link")
	}
	v.get("/setup?token=guessed").want(t, http.StatusForbidden, "")
	v.post("/setup", "token", "guessed", "passphrase", passphrase, "again", passphrase).want(t, http.StatusForbidden, "")
	v.post("/setup", "token", token, "passphrase", passphrase, "again", passphrase+"!").want(t, http.StatusUnprocessableEntity, "")
	v.post("/setup", "token", token, "passphrase", "short", "again", "short").want(t, http.StatusUnprocessableEntity, "")
	if c.vault.Initialized() {
		t.Fatal("set up by a form that was refused")
	}

	got := v.post("/setup", "token", token, "passphrase", passphrase, "again", passphrase)
	got.want(t, http.StatusOK, "")
	code := regexp.MustCompile(`([0-9A-Z]{4}-){6}[0-9A-Z]{4}`).FindString(got.body)
	if code == "" || c.vault.UnlockWithRecoveryCode([]byte(code)) != nil {
		t.Error("shows no recovery code that opens the vault")
	}
	if !c.vault.Initialized() || c.vault.Locked() || c.owner.Session(sessionOf(v)) != nil {
		t.Error("not set up, unlocked and signed in")
	}
	if page := v.get("/"); !strings.Contains(page.body, "The vault is set up and unlocked.") {
		t.Error("does not say that it is set up")
	}
	if page := v.get("/"); strings.Contains(page.body, "The vault is set up and unlocked.") {
		t.Error("says it twice")
	}
	if page := v.get("/activity"); strings.Contains(page.body, code) || !strings.Contains(page.body, "You added a way to unlock") {
		t.Error("the code is not recorded, or shown again")
	}
	c.visitor().post("/setup", "token", token, "passphrase", passphrase, "again", passphrase).want(t, http.StatusConflict, "")
	if c.events(audit.VaultInitialized) != 1 {
		t.Error("not recorded once")
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.visitor()

	t.Run("wrong", func(t *testing.T) {
		got := v.post("/sign-in", "passphrase", "not the passphrase", "next", "/keys")
		got.want(t, http.StatusForbidden, "")
		if strings.Contains(got.body, "not the passphrase\"") || !strings.Contains(got.body, `value="/keys"`) {
			t.Error("echoes the passphrase, or forgets where to go")
		}
		if sessionOf(v) != "" || c.events(audit.OwnerSignInRefused) != 1 {
			t.Error("has a session, or is not recorded")
		}
		if last, err := c.audit.Tail(1); err != nil || last[0].Actor == audit.Owner {
			t.Errorf("a stranger's attempt is recorded as the owner's: %+v (%v)", last, err)
		}
	})
	t.Run("too soon", func(t *testing.T) {
		c := newConsole(t).setUp()
		v := c.visitor()
		for range 20 {
			if got := v.post("/sign-in", "passphrase", "not the passphrase"); got.StatusCode == http.StatusTooManyRequests {
				if got.Header.Get("Retry-After") == "" {
					t.Error("does not say when to come back")
				}
				return
			}
		}
		t.Error("is never slowed down")
	})
	t.Run("right", func(t *testing.T) {
		c := newConsole(t).setUp()
		v := c.visitor()
		v.post("/sign-in", "passphrase", passphrase, "next", "/keys").want(t, http.StatusSeeOther, "/keys")
		v.get("/keys").want(t, http.StatusOK, "")
		v.get("/sign-in?next=/apps").want(t, http.StatusSeeOther, "/apps")
	})
	t.Run("elsewhere", func(t *testing.T) {
		c := newConsole(t).setUp()
		c.visitor().post("/sign-in", "passphrase", passphrase, "next", "//elsewhere.example").want(t, http.StatusSeeOther, "/")
	})
	t.Run("passphrase in the address", func(t *testing.T) {
		c := newConsole(t).setUp()
		c.visitor().post("/sign-in?passphrase="+url.QueryEscape(passphrase)).want(t, http.StatusUnprocessableEntity, "")
	})
	t.Run("unlocking", func(t *testing.T) {
		for _, unlock := range []bool{true, false} {
			c := newConsole(t).setUp()
			c.vault.Lock()
			v := c.visitor()
			if got := v.get("/sign-in"); !strings.Contains(got.body, "Unlock the vault too") {
				t.Error("does not offer to unlock")
			}
			fields := []string{"passphrase", passphrase}
			if unlock {
				fields = append(fields, "unlock", "yes")
			}
			v.post("/sign-in", fields...).want(t, http.StatusSeeOther, "/")
			if c.vault.Locked() == unlock || c.events(audit.VaultUnlocked) == 1 != unlock {
				t.Errorf("unlock %t: locked is %t", unlock, c.vault.Locked())
			}
		}
	})
	t.Run("planted session", func(t *testing.T) {
		c := newConsole(t).setUp()
		v := c.signedIn()
		before := sessionOf(v)
		v.post("/sign-in", "passphrase", passphrase)
		if c.owner.Session(before) == nil || c.owner.Session(sessionOf(v)) != nil {
			t.Error("keeps the session that was there before")
		}
	})
	t.Run("out", func(t *testing.T) {
		c := newConsole(t).setUp()
		v := c.signedIn()
		token := sessionOf(v)
		v.post("/sign-out").want(t, http.StatusSeeOther, "/sign-in")
		if c.owner.Session(token) == nil || sessionOf(v) != "" {
			t.Error("is still signed in")
		}
	})
	t.Run("out everywhere", func(t *testing.T) {
		c := newConsole(t).setUp()
		v, elsewhere := c.signedIn(), c.signedIn()
		tokens := []string{sessionOf(v), sessionOf(elsewhere)}
		v.post("/sign-out/everywhere").want(t, http.StatusSeeOther, "/sign-in")
		for _, token := range tokens {
			if c.owner.Session(token) == nil {
				t.Error("a browser is still signed in")
			}
		}
		if page := v.get("/sign-in"); !strings.Contains(page.body, "Every browser is signed out") {
			t.Error("does not say so")
		}
	})
	t.Run("empty", func(t *testing.T) {
		c := newConsole(t).setUp()
		v := c.visitor()
		for range 20 { // is no attempt that slows others down
			v.post("/sign-in", "passphrase", "").want(t, http.StatusUnprocessableEntity, "")
		}
		if c.events(audit.OwnerSignInRefused) != 0 {
			t.Error("an empty form is recorded")
		}
		v.post("/sign-in", "passphrase", passphrase).want(t, http.StatusSeeOther, "/")
	})
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()

	v.post("/freeze", "back", "/apps").want(t, http.StatusSeeOther, "/apps")
	if !c.pairing.Frozen() {
		t.Error("not frozen")
	}
	if page := v.get("/keys"); !strings.Contains(page.body, "<strong>Frozen.</strong>") {
		t.Error("the page does not show it")
	}
	v.post("/thaw", "back", "https://elsewhere.example/").want(t, http.StatusSeeOther, "/")
	if c.pairing.Frozen() {
		t.Error("still frozen")
	}

	v.post("/lock", "back", "/keys").want(t, http.StatusSeeOther, "/keys")
	if !c.vault.Locked() {
		t.Error("not locked")
	}
	page := v.get("/keys")
	if strings.Contains(page.body, `name="secret"`) || !strings.Contains(page.body, `href="/unlock?back=%2Fkeys"`) {
		t.Error("offers to add a key to a locked vault, or no way to unlock it")
	}
	v.post("/unlock", "passphrase", "not the passphrase", "back", "/keys").want(t, http.StatusForbidden, "")
	if !c.vault.Locked() || c.events(audit.VaultUnlockRefused) != 1 {
		t.Error("unlocked with a wrong passphrase, or not recorded")
	}
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	c.vault.Lock()
	v := c.signedIn()
	v.post("/unlock", "passphrase", passphrase, "back", "/keys").want(t, http.StatusSeeOther, "/keys")
	if c.vault.Locked() || c.events(audit.VaultUnlocked) != 1 {
		t.Error("still locked, or not recorded")
	}
	v.get("/unlock?back=/apps").want(t, http.StatusSeeOther, "/apps")
}
