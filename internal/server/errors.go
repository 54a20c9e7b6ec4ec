package server

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// answerError is the one place where an error of the public side becomes an
// answer. OAuth endpoints answer in OAuth's shape; the console shows its own
// error pages before an error gets here; the data plane answers itself. What
// is not known is 500 without detail.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var refused *pairing.OAuthError
	var plain *echo.HTTPError
	status, code, words := http.StatusInternalServerError, "server_error", "something went wrong here: the gateway's log says what"
	switch {
	case errors.As(err, &refused):
		err = writeOAuthError(c, refused)
	case errors.As(err, &plain):
		status, code = plain.Code, errorCode(plain.Code)
		if text, ok := plain.Message.(string); ok {
			words = text
		}
		err = writeError(c, status, code, words)
	default:
		s.cfg.Log.Error("request failed", "route", c.Path(), "request_id", c.Response().Header().Get(echo.HeaderXRequestID), "error", err)
		err = writeError(c, status, code, words)
	}
	if err != nil {
		s.cfg.Log.Debug("answering", "error", err)
	}
}

// writeError answers people with text and programs with OAuth's JSON members.
func writeError(c echo.Context, status int, code, words string) error {
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		return c.String(status, words+"\n")
	}
	return c.JSON(status, map[string]string{"error": code, "error_description": words})
}

func errorCode(status int) string {
	switch status {
	case http.StatusNotFound:
		return "not_found"
	case http.StatusMethodNotAllowed:
		return "method_not_allowed"
	case http.StatusTooManyRequests:
		return "rate_limited"
	case http.StatusForbidden:
		return "access_denied"
	}
	if status >= 500 {
		return "server_error"
	}
	return "invalid_request"
}

// requestID names every answer; the data plane names its own, as its audit
// lines carry the same id.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !strings.HasPrefix(c.Request().URL.Path, "/r/") {
			var id [16]byte
			_, _ = rand.Read(id[:]) // never fails (crypto/rand)
			c.Response().Header().Set(echo.HeaderXRequestID,
				"req_"+strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id[:])))
		}
		return next(c)
	}
}
