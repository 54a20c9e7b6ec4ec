package openai

import (
	"net/http"
	"slices"

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
	data, err := json.Marshal(envelope{describeFailure(f)}, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings
		return []byte(`{"error":{"message":"the request failed","type":"server_error","param":null,"code":"internal"}}`)
	}
	return data
}

func describeFailure(f plugins.Failure) failure {
	described := failure{Message: f.Message, Type: errorType(f.Status), Code: f.Code, RequestID: f.RequestID}
	if f.Param != "" {
		described.Param = &f.Param
	}
	return described
}

// errorEvent is the error of a stream in both of OpenAI's shapes: a chunk with a
// member error, and the event "error" of responses.
type errorEvent struct {
	Type     string  `json:"type"`
	Code     string  `json:"code"`
	Message  string  `json:"message"`
	Param    *string `json:"param"`
	Sequence int64   `json:"sequence_number"`
	Error    failure `json:"error"`
}

// ErrorEvent implements [plugins.Provider]. OpenAI's SDKs for Go, JavaScript and
// Python raise data with a member error, in an event without a name, as an
// exception, whatever they stream. No [DONE] follows: a reader that knows no
// errors must not take the cut answer for a whole one.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	inner := describeFailure(f)
	data, err := json.Marshal(errorEvent{
		Type: "error", Code: inner.Code, Message: inner.Message, Param: inner.Param, Error: inner,
	}, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings
		data = p.ErrorBody(f)
	}
	return slices.Concat([]byte("data: "), data, []byte("\n\n"))
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
