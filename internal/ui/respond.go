package ui

import (
	"bytes"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/plugins"
)

// maxForm bounds the body of a form, in bytes: a manifest of the largest size
// with every character escaped, and the fields around it.
const maxForm = 4 * plugins.MaxManifestBytes

// contentPolicy allows this origin's stylesheet, script and pictures, and
// forms to this origin. Everything else, inline script and style included, is
// refused by default-src.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setHeaders says what a browser may do with a page.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Not no-referrer: browsers then send "Origin: null" with our own forms
	// too, and where there is no Sec-Fetch-Site header (plain http off
	// loopback) that is all the cross-origin check has to go by.
	h.Set("Referrer-Policy", "same-origin")
}

// asPage sets the headers of a page, bounds the form and shows an error as a
// page.
func (u *UI) asPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		setHeaders(c.Response().Header())
		r := c.Request()
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return u.Error(c, err)
		}
		if err := next(c); err != nil {
			return u.Error(c, err)
		}
		return nil
	}
}

// render sends a page. It is rendered in full first: an error leaves no half
// of it behind.
func render(c echo.Context, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(c.Request().Context(), &b); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// done ends a form: the browser is sent to read a page, so that reloading it
// posts nothing, and the page says what was done.
func (u *UI) done(c echo.Context, what outcome, target string) error {
	if what != "" {
		u.say(c, what)
	}
	return c.Redirect(http.StatusSeeOther, local(target))
}
