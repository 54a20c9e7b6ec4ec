package httpapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

type envelope struct {
	Error failure `json:"error"`
}

type failure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Param     string `json:"param,omitzero"`
	RequestID string `json:"request_id,omitzero"`
}

// ErrorBody implements [plugins.Provider]: {"error":{"code","message"}}, with
// param and request_id when there are any.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	data, err := json.Marshal(envelope{failure{f.Code, f.Message, f.Param, f.RequestID}}, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings
		return []byte(`{"error":{"code":"internal","message":"the request failed"}}`)
	}
	return data
}

// ErrorEvent implements [plugins.Provider]: an event by the name of error, which
// readers of event streams that know no such name leave alone.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	return append(append([]byte("event: error\ndata: "), p.ErrorBody(f)...), "\n\n"...)
}
