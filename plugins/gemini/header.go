package gemini

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// ResponseHeader implements [plugins.Provider].
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	return plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After")
}
