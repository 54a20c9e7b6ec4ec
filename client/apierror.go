package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// APIError is an answer of the gateway, or of the provider behind it, that is not a success. It matches the sentinel
// of its Code with errors.Is.
type APIError struct {
	Status     int
	Code       string        // of the protocol, or the provider's own; may be empty
	Message    string        // the sender's words, up to 1000 characters
	RequestID  string        // the X-Request-Id, as in the gateway's audit log
	RetryAfter time.Duration // 0 when the answer does not say
}

// Error says what was answered.
func (e *APIError) Error() string {
	text := fmt.Sprintf("gateway answered %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is reports whether target is the sentinel of the error's code.
func (e *APIError) Is(target error) bool {
	sentinel := CodeError(e.Code)
	return sentinel != nil && sentinel == target
}

const (
	maxErrorBody    = 64 << 10
	maxErrorMessage = 1000
)

// ResponseError gives the *APIError of an answer with a status of 400 or more, and nil for others. The body can still
// be read afterwards, up to its first 64 KiB, and must still be closed.
func ResponseError(response *http.Response) error {
	if response.StatusCode < 400 {
		return nil
	}
	data, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	response.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(data), response.Body}
	return newAPIError(response, data)
}

func newAPIError(response *http.Response, body []byte) *APIError {
	e := &APIError{
		Status: response.StatusCode, RequestID: plain(response.Header.Get("X-Request-Id")),
		RetryAfter: retryAfter(response.Header),
	}
	e.Code, e.Message = readError(body)
	if e.Code == "" {
		e.Code = challenge(response)
	}
	return e
}

// BodyCode is the code in the body of a refusal, in whichever dialect it is, or "". With anthropic-sdk-go:
//
//	var failure *anthropic.Error
//	if errors.As(err, &failure) && client.CodeError(client.BodyCode(failure.RawJSON())) == client.ErrModelNotAllowed { ... }
func BodyCode(body string) string {
	code, _ := readError([]byte(body))
	return code
}

// readError finds code and message in the shapes of OAuth and of the dialects.
func readError(body []byte) (code, message string) {
	var outer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Name        string          `json:"name"`
		Message     string          `json:"message"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	if json.Unmarshal(outer.Error, &code) == nil { // OAuth: "error" is the code
		return plain(code), plain(outer.Description)
	}
	var inner struct {
		Code    any    `json:"code"`
		Type    string `json:"type"`
		Status  string `json:"status"`
		Message string `json:"message"`
		Details any    `json:"details"`
	}
	if json.Unmarshal(outer.Error, &inner) != nil {
		return plain(outer.Name), plain(outer.Message)
	}
	code, _ = inner.Code.(string)
	for _, other := range []string{reason(inner.Details), inner.Type, strings.ToLower(inner.Status)} {
		if code == "" {
			code = other
		}
	}
	return plain(code), plain(inner.Message)
}

// reason is the finer code of one of Google's errors (google.rpc.ErrorInfo).
func reason(details any) string {
	list, _ := details.([]any)
	for _, one := range list {
		info, _ := one.(map[string]any)
		if text, ok := info["reason"].(string); ok {
			return text
		}
	}
	return ""
}

// plain makes a text from the network safe for logs and terminals.
func plain(text string) string {
	kept := 0
	return strings.Map(func(r rune) rune {
		kept++
		if kept > maxErrorMessage || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// retryAfter reads Retry-After, in seconds or as a date (RFC 9110 section 10.2.3).
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	sent, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, at.Sub(sent))
}

// challenge gives the error of a DPoP challenge (RFC 9449 section 7.1); empty when there is none. Only the gateway
// sends these: it takes them out of what providers answer. One header may hold the challenges of several schemes, each
// with its parameters behind it (RFC 9110 section 11.6.1).
func challenge(response *http.Response) string {
	scheme := ""
	for part := range strings.SplitSeq(strings.Join(response.Header.Values("WWW-Authenticate"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if first, second, ok := strings.Cut(name, " "); ok {
			scheme, name = first, second
		}
		if strings.EqualFold(scheme, "DPoP") && strings.EqualFold(strings.TrimSpace(name), "error") {
			return plain(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return ""
}
