package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// answerError is the one place where an error of the public side becomes an
// answer: OAuth's JSON for programs, a page of the console for people. The data
// plane answers for itself. What is not known is 500 without detail.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if answering := s.writeError(c, err); answering != nil {
		s.cfg.Log.Debug("answering", "route", c.Path(), "error", answering)
	}
}

func (s *Server) writeError(c echo.Context, err error) error {
	var refused *pairing.OAuthError
	if errors.As(err, &refused) {
		return writeOAuthError(c, refused)
	}
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		return s.rooms.ui.Error(c, err)
	}
	status, words := http.StatusInternalServerError, "something went wrong here: the gateway's log says what"
	var plain *echo.HTTPError
	if errors.As(err, &plain) {
		status = plain.Code
		if text, ok := plain.Message.(string); ok {
			words = text
		}
	} else {
		s.cfg.Log.Error("request failed", "route", c.Path(), "request_id", c.Response().Header().Get(echo.HeaderXRequestID), "error", err)
	}
	return writeCode(c, status, errorCode(status), words)
}

// writeCode answers in the shape of RFC 6749 section 5.2.
func writeCode(c echo.Context, status int, code, words string) error {
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

// requestID names every answer. The data plane names those that it gives anew,
// as its audit lines carry the same id.
func requestID(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderXRequestID, "req_"+strings.ToLower(rand.Text()))
	return nil
}
