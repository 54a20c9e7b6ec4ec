package resend

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// failure is Resend's error shape; name is the code.
type failure struct {
	StatusCode int    `json:"statusCode"`
	Name       string `json:"name"`
	Message    string `json:"message"`
	RequestID  string `json:"request_id,omitzero"`
}

// ErrorBody implements [plugins.Provider]: {"statusCode","name","message"}, and
// request_id when there is one. The message ends with the code: it is all that
// Resend's SDK for Go keeps of an error.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	if f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	data, err := json.Marshal(failure{f.Status, f.Code, f.Message + " (" + f.Code + ")", f.RequestID}, jsontext.AllowInvalidUTF8(true))
	if err != nil { // cannot happen: the shape is made of strings and a number
		return []byte(`{"statusCode":500,"name":"internal","message":"the request failed"}`)
	}
	return data
}

// ErrorEvent implements [plugins.Provider]. Resend has no streams; should an
// answer come as one all the same, this ends it.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	return append(append([]byte("data: "), p.ErrorBody(f)...), "\n\n"...)
}

// NewMeter implements [plugins.Provider]: mail costs no tokens.
func (p *Provider) NewMeter(*plugins.Call) plugins.Meter { return plugins.Uncounted{} }
