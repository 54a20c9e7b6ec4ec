package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// healthz answers as long as the process does.
func healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readyz says whether an app's request could be served now. A locked vault or
// a freeze is the owner's choice and still an answer of 503: a load balancer or
// a script must not take the gateway for usable.
func (r *rooms) readyz(c echo.Context) error {
	switch {
	case r.store.Restored():
		return c.String(http.StatusServiceUnavailable, "old database put back: run gateway accept-restore\n")
	case !r.vault.Initialized():
		return c.String(http.StatusServiceUnavailable, "not set up: open the set-up link, or run gateway init\n")
	case r.vault.Locked():
		return c.String(http.StatusServiceUnavailable, "vault locked: run gateway unlock\n")
	case r.pairing.Frozen():
		return c.String(http.StatusServiceUnavailable, "frozen: run gateway thaw\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
