package anthropic

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// envelope is Anthropic's error shape. Its types are few and stand for classes
// of errors; ours goes where Anthropic puts its own finer codes, and beside the
// type, where people look for it.
type envelope struct {
	Type      string  `json:"type"`
	Error     failure `json:"error"`
	RequestID string  `json:"request_id,omitzero"`
}

type failure struct {
	Type    string  `json:"type"`
	Message string  `json:"message"`
	Code    string  `json:"code"`
	Param   string  `json:"param,omitzero"`
	Details details `json:"details"`
}

type details struct {
	ErrorCode string `json:"error_code"`
}

// ErrorBody implements [plugins.Provider]:
// {"type":"error","error":{"type","message","code","details":{"error_code"}},"request_id"}.
// Anthropic's SDKs keep members they do not know.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	body := envelope{Type: "error", RequestID: f.RequestID, Error: failure{
		Type: errorType(f.Status), Message: f.Message, Code: f.Code, Param: f.Param, Details: details{f.Code},
	}}
	data, err := json.Marshal(body, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings
		return []byte(`{"type":"error","error":{"type":"api_error","message":"the request failed","code":"internal"}}`)
	}
	return data
}

// ErrorEvent implements [plugins.Provider]. Anthropic's SDKs raise an event
// called error.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	event := append([]byte("event: error\ndata: "), p.ErrorBody(f)...)
	return append(event, "\n\n"...)
}

func errorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}
