package ui

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/owner"
)

// Guard lets through only those whom access names. Others are sent to sign
// in, or told how to set up; a value that is not one of the constants lets
// nobody through.
func (u *UI) Guard(access Access) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		switch access {
		case Public:
			return next
		case SetupOnly:
			return u.asPage(u.onlySetup(next))
		case SignedIn:
			return u.asPage(u.onlySignedIn(next))
		}
		return u.asPage(func(echo.Context) error { return echo.ErrForbidden })
	}
}

func (u *UI) onlySetup(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !u.cfg.Vault.Initialized() {
			return next(c)
		}
		if reading(c.Request()) {
			return c.Redirect(http.StatusSeeOther, "/sign-in")
		}
		return owner.ErrSetUp
	}
}

func (u *UI) onlySignedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !u.cfg.Vault.Initialized() {
			return c.Redirect(http.StatusSeeOther, "/setup")
		}
		r := c.Request()
		token := u.cfg.Owner.Token(r)
		if token != "" && u.cfg.Owner.Session(token) == nil {
			return next(c)
		}
		if token == "" && reading(r) && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			// A link from another site, such as an app's "approve here": the
			// browser withholds a SameSite=Strict cookie from this visit.
			return render(c, http.StatusOK, arrivalPage(local(r.URL.RequestURI())))
		}
		if !reading(r) {
			return c.Redirect(http.StatusSeeOther, "/sign-in")
		}
		return c.Redirect(http.StatusSeeOther, signInLink(r.URL.RequestURI()))
	}
}

// reading says whether a request asks for a page and sends no form.
func reading(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// signInLink leads to the sign-in page and from there to target.
func signInLink(target string) string {
	if target = local(target); target == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(target)
}

// local returns target when it is an address within this console, and "/"
// when it could lead a browser anywhere else: browsers read "//host" and
// "/\host" as another host, and drop tabs and newlines before they look.
func local(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil ||
		len(target) > 512 || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") ||
		strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/"
	}
	return target
}
