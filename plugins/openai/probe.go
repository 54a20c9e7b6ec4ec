package openai

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// Probe implements [plugins.Provider].
func (p *Provider) Probe() plugins.Probe {
	list := plugins.ModelList{
		Title: p.manifest.Title, Member: "data", Counted: true, Address: "OpenAI's ends in /v1",
		Restricted: "it is restricted, or its project or country is",
	}
	return plugins.Probe{
		Method: http.MethodGet,
		Path:   "/models",
		Header: p.requestHeader(http.Header{"Accept": {"application/json"}}),
		Explain: func(status int, body []byte) plugins.Verdict {
			if status == http.StatusTooManyRequests && errorCode(body) == "insufficient_quota" {
				status = http.StatusPaymentRequired
			}
			return list.Explain(status, body)
		},
	}
}

func errorCode(body []byte) string {
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	lenient(body, &e)
	return e.Error.Code
}
