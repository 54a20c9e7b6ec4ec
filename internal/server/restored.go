package server

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"
)

const (
	codeRestored  = "restore_unconfirmed"
	wordsRestored = "the gateway's database was put back from an older copy: its owner has to confirm that with gateway accept-restore"
)

// confirmed refuses everything with 503 while the database is an older copy
// that the owner has not accepted: it may know apps that were revoked since,
// and not know what was spent since.
func (r *rooms) confirmed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !r.store.Restored() {
			return next(c)
		}
		return writeCode(c, http.StatusServiceUnavailable, codeRestored, wordsRestored)
	}
}

// confirmedData is confirmed in the data plane's shape of an error.
func (r *rooms) confirmedData(next echo.HandlerFunc) echo.HandlerFunc {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{
		"message": wordsRestored, "type": "invalid_request_error", "code": codeRestored, "param": nil,
	}}) // strings and nil: cannot fail
	return func(c echo.Context) error {
		if !r.store.Restored() {
			return next(c)
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.JSONBlob(http.StatusServiceUnavailable, body)
	}
}
