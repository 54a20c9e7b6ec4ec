package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/proxy"
)

// crossOrigin lets the web pages that apps are allowed to be on read answers
// (the CORS protocol of the Fetch standard). It names exactly the origin that
// asks or none, and never allows credentials: a page has its token and its key
// and needs no cookie. It is no access control, since whoever is not a browser
// sends what they like; policy checks the origin where an app has one.
type crossOrigin struct{ pairing *pairing.Pairing }

const (
	exposedHeaders = "DPoP-Nonce, WWW-Authenticate, X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Unit"
	preflightAge   = "600" // seconds; a change of rights shows in the request itself at once
	maxAskedHeader = 2 << 10
)

// share adds to an answer what lets an allowed page read it.
func (x *crossOrigin) share(c echo.Context) error {
	h := c.Response().Header()
	h.Add(echo.HeaderVary, echo.HeaderOrigin)
	if origin, ok := x.allowed(c.Request()); ok {
		h.Set(echo.HeaderAccessControlAllowOrigin, origin)
		h.Set(echo.HeaderAccessControlExposeHeaders, exposedHeaders)
	}
	return nil
}

// preflight answers a browser's question whether a page may send a request. It
// carries no credentials, so that all it can be answered by is the origin.
func (x *crossOrigin) preflight(c echo.Context) error {
	r, h := c.Request(), c.Response().Header()
	asked := r.Header.Get(echo.HeaderAccessControlRequestHeaders)
	if _, ok := x.allowed(r); !ok || !isPreflight(r) || len(asked) > maxAskedHeader {
		h.Del(echo.HeaderAccessControlAllowOrigin)
		h.Del(echo.HeaderAccessControlExposeHeaders)
		return echo.NewHTTPError(http.StatusForbidden, "no app is allowed on web pages of this origin: the owner grants that with the policy member origins")
	}
	h.Del(echo.HeaderAccessControlExposeHeaders)
	h.Add(echo.HeaderVary, "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set(echo.HeaderAccessControlAllowMethods, r.Header.Get(echo.HeaderAccessControlRequestMethod))
	if asked != "" {
		// What a provider's SDK adds of its own is not passed on anyway.
		h.Set(echo.HeaderAccessControlAllowHeaders, asked)
	}
	h.Set(echo.HeaderAccessControlMaxAge, preflightAge)
	return c.NoContent(http.StatusNoContent)
}

// preflights answers preflights among requests of every method, each after
// the throttle.
func (x *crossOrigin) preflights(t *throttle) guard {
	return func(c echo.Context) error {
		if !isPreflight(c.Request()) {
			return nil
		}
		if err := t.guard(c); err != nil {
			return err
		}
		return x.preflight(c)
	}
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get(echo.HeaderOrigin) != "" && isToken(r.Header.Get(echo.HeaderAccessControlRequestMethod))
}

func isToken(text string) bool {
	return text != "" && len(text) <= 16 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// allowed is the origin of the page that asks, and whether it may read the
// answer.
func (x *crossOrigin) allowed(r *http.Request) (string, bool) {
	all := r.Header.Values(echo.HeaderOrigin)
	if len(all) != 1 {
		return "", false
	}
	if path, ok := strings.CutPrefix(r.URL.EscapedPath(), proxy.Prefix); ok {
		kind, rest, _ := strings.Cut(path, "/")
		name, _, _ := strings.Cut(rest, "/")
		return all[0], x.pairing.MayRead(all[0], kind+":"+name)
	}
	// On the one address for all providers only the body says which it is: what a
	// page may read is decided with that.
	return all[0], x.pairing.MayPair(all[0])
}
