package gemini

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// envelope is Google's error shape. The finer reason of an error is in one of
// its details.
type envelope struct {
	Error failure `json:"error"`
}

type failure struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Status  string      `json:"status"`
	Details []errorInfo `json:"details"`
}

// errorInfo is google.rpc.ErrorInfo.
type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitzero"`
}

// ErrorBody implements [plugins.Provider]:
// {"error":{"code","message","status","details":[{"@type","reason","domain","metadata"}]}}.
// Our code is the reason.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	info := errorInfo{Type: "type.googleapis.com/google.rpc.ErrorInfo", Reason: f.Code, Domain: "keywicket"}
	for name, value := range map[string]string{"request_id": f.RequestID, "param": f.Param} {
		if value == "" {
			continue
		}
		if info.Metadata == nil {
			info.Metadata = make(map[string]string)
		}
		info.Metadata[name] = value
	}
	body := envelope{failure{Code: f.Status, Message: f.Message, Status: statusName(f.Status), Details: []errorInfo{info}}}
	data, err := json.Marshal(body, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil { // cannot happen: the shape is made of strings
		return []byte(`{"error":{"code":500,"message":"the request failed","status":"INTERNAL"}}`)
	}
	return data
}

// ErrorEvent implements [plugins.Provider]. Google's SDKs raise an event whose
// data has a member error; they do not read the names of events. Lines end as
// Google's do: where two kinds of blank lines follow each other, its SDK for Go
// takes two events for one.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	event := append([]byte("data: "), p.ErrorBody(f)...)
	return append(event, "\r\n\r\n"...)
}

// statusName is the google.rpc.Code of an HTTP status.
func statusName(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	}
	if status >= http.StatusInternalServerError {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}
