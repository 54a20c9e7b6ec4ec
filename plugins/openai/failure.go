package openai

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// envelope is OpenAI's error shape. param is null where there is none, as
// OpenAI's own is.
type envelope struct {
	Error failure `json:"error"`
}

type failure struct {
	Message   string  `json:"message"`
	Type      string  `json:"type"`
	Param     *string `json:"param"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id,omitzero"`
}

// ErrorBody implements [plugins.Provider]: {"error":{"message","type","param","code"}},
// and request_id when there is one.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	body := envelope{failure{Message: f.Message, Type: errorType(f.Status), Code: f.Code, RequestID: f.RequestID}}
	if f.Param != "" {
		body.Error.Param = &f.Param
	}
	data, err := json.Marshal(body, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings
		return []byte(`{"error":{"message":"the request failed","type":"server_error","param":null,"code":"internal"}}`)
	}
	return data
}

// ErrorEvent implements [plugins.Provider]. OpenAI's SDKs for Go, JavaScript and
// Python raise a chunk with a member error, in an event without a name, as an
// exception. No [DONE] follows: a reader that knows no errors must not take the
// cut answer for a whole one.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	event := append([]byte("data: "), p.ErrorBody(f)...)
	return append(event, "\n\n"...)
}

func errorType(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= http.StatusInternalServerError:
		return "server_error"
	}
	return "invalid_request_error"
}
