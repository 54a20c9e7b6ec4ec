package gemini

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// Probe implements [plugins.Provider].
func (p *Provider) Probe() plugins.Probe {
	list := plugins.ModelList{
		Title: p.manifest.Title, Member: "models", Address: "Google's ends in /v1beta",
		Restricted: "it is restricted, or the API is not enabled in its project",
	}
	return plugins.Probe{
		Method: http.MethodGet,
		Path:   "/models",
		Header: p.manifest.RequestHeader(http.Header{}),
		Explain: func(status int, body []byte) plugins.Verdict {
			if status == http.StatusBadRequest { // Google's answer to a wrong key
				status = http.StatusUnauthorized
			}
			return list.Explain(status, body)
		},
	}
}
