package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// healthz answers as long as the process does.
func healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readyz says whether an app's request could be served now. A locked vault or
// a freeze is the owner's choice and still an answer of 503: a load balancer or
// a script must not take the gateway for usable. Which of them it is, is the
// owner's business: strangers can ask too.
func (r *rooms) readyz(c echo.Context) error {
	if r.store.Restored() || !r.vault.Initialized() || r.vault.Locked() || r.pairing.Frozen() {
		return c.String(http.StatusServiceUnavailable, "not ready: gateway status says why\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
