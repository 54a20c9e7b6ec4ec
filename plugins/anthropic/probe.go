package anthropic

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// Probe implements [plugins.Provider].
func (p *Provider) Probe() plugins.Probe {
	list := plugins.ModelList{
		Title: p.manifest.Title, Member: "data", Address: "Anthropic's ends in /v1", Restricted: "its workspace is restricted",
	}
	return plugins.Probe{
		Method:  http.MethodGet,
		Path:    "/models",
		Header:  p.requestHeader(http.Header{"Accept": {"application/json"}}),
		Explain: list.Explain,
	}
}
