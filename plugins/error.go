package plugins

import (
	"net/http"
)

// Codes of [Error], as clients see them.
const (
	CodeInvalidRequest      = "invalid_request"      // 400
	CodeUnsupportedEndpoint = "unsupported_endpoint" // 404
	CodeUnsupportedEncoding = "unsupported_encoding" // 415
)

// Error is a request that a provider cannot describe. Its text is meant for the
// client and carries no value from the request but member names.
type Error struct {
	Status  int    // HTTP status of the answer
	Code    string // one of the codes of this package
	Message string // one sentence that says what to change
	Param   string // the body member at fault; may be empty
}

// Error is the message; the code is for machines.
func (e *Error) Error() string { return e.Message }

// Invalid is a malformed request: 400 invalid_request. param is the member at
// fault, or empty.
func Invalid(param, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Message: message, Param: param}
}

// UnsupportedEndpoint is a method and path no manifest lists: 404.
func UnsupportedEndpoint(message string) *Error {
	return &Error{Status: http.StatusNotFound, Code: CodeUnsupportedEndpoint, Message: message}
}

// UnsupportedEncoding is a body in a form the gateway does not read: 415.
func UnsupportedEncoding(message string) *Error {
	return &Error{Status: http.StatusUnsupportedMediaType, Code: CodeUnsupportedEncoding, Message: message}
}
