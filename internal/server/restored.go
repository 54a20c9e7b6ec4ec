package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/plugins"
)

const (
	codeRestored  = "restore_unconfirmed"
	wordsRestored = "the gateway's database was put back from an older copy: its owner has to confirm that with gateway accept-restore"
)

// confirmed refuses everything with 503 while the database is an older copy
// that the owner has not accepted: it may know apps that were revoked since,
// and not know what was spent since.
func (r *rooms) confirmed(c echo.Context) error {
	if !r.store.Restored() {
		return nil
	}
	return writeCode(c, http.StatusServiceUnavailable, codeRestored, wordsRestored)
}

// confirmedData is confirmed in the shape of an error that the client library of
// the provider asked for expects.
func (r *rooms) confirmedData(c echo.Context) error {
	if !r.store.Restored() {
		return nil
	}
	body := r.proxy.ErrorBody(c.Request(), plugins.Failure{Status: http.StatusServiceUnavailable, Code: codeRestored, Message: wordsRestored})
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSONBlob(http.StatusServiceUnavailable, body)
}
