package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// Bounds on what an OAuth endpoint reads.
const (
	maxOAuthBody  = 64 << 10 // bytes
	maxParameters = 64
)

// form is a strictly read request body of an OAuth endpoint.
type form struct {
	body   []byte
	values url.Values
}

// value is a parameter's one value; empty when it was not sent, or sent
// without a value, which means the same (RFC 6749 section 3.2).
func (f form) value(name string) string { return f.values.Get(name) }

// readForm reads parameters from the body alone: in a URL they would end up in
// logs. A parameter that is there twice is refused (RFC 6749 section 3.2),
// whether it is known or not, except for resource, which RFC 8707 lets repeat.
func readForm(c echo.Context) (form, error) {
	body, err := readBody(c, echo.MIMEApplicationForm)
	if err != nil {
		return form{}, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil || len(values) > maxParameters {
		return form{}, badRequest(http.StatusBadRequest, "the body is not a form of at most 64 parameters")
	}
	for name, all := range values {
		if len(all) > 1 && name != "resource" {
			return form{}, badRequest(http.StatusBadRequest, "a parameter is there more than once")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return form{}, badRequest(http.StatusBadRequest, "a parameter is not valid UTF-8")
		}
	}
	f := form{body: body, values: values}
	return f, f.noSecret(c)
}

// noSecret refuses clients that try to authenticate with a secret. None has
// been handed out, so the client takes us for another server.
func (f form) noSecret(c echo.Context) error {
	if len(c.Request().Header.Values(echo.HeaderAuthorization)) > 0 {
		e := badRequest(http.StatusUnauthorized, "clients here have no secret: send client_id in the body, and no Authorization header")
		e.Code, e.Challenge = "invalid_client", `Basic realm="keywicket"`
		return e
	}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		if f.value(name) != "" {
			e := badRequest(http.StatusBadRequest, "clients here have no secret: leave out "+name)
			e.Code = "invalid_client"
			return e
		}
	}
	return nil
}

func readJSON(c echo.Context) ([]byte, error) { return readBody(c, echo.MIMEApplicationJSON) }

func readBody(c echo.Context, want string) ([]byte, error) {
	r := c.Request()
	kind, parameters, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != want || !isUTF8(parameters["charset"]) || r.Header.Get(echo.HeaderContentEncoding) != "" {
		return nil, badRequest(http.StatusUnsupportedMediaType, "send the body as "+want+", not compressed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxOAuthBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, badRequest(http.StatusRequestEntityTooLarge, "the body must have at most 64 KiB")
	}
	if err != nil {
		return nil, badRequest(http.StatusBadRequest, "the body could not be read to its end")
	}
	return body, nil
}

func isUTF8(charset string) bool {
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

func badRequest(status int, description string) *pairing.OAuthError {
	return &pairing.OAuthError{Status: status, Code: "invalid_request", Description: description}
}
