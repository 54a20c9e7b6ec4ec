package openai

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// requestHeader is what the provider sees of a client's headers. Organisation
// and project choose who pays, so they are the owner's; X-Stainless-* and
// User-Agent describe the app's machine.
func (p *Provider) requestHeader(client http.Header) http.Header {
	return p.manifest.RequestHeader(client, "Accept", "Idempotency-Key", "Openai-Beta")
}

// ResponseHeader implements [plugins.Provider]. The provider's own rate limits
// and organisation are the owner's business. Its request id moves aside for the
// gateway's.
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	h := plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding",
		"Openai-Processing-Ms", "Openai-Version", "Retry-After", "Retry-After-Ms", "X-Should-Retry")
	if id := upstream.Get("X-Request-Id"); id != "" && len(id) <= 128 {
		h.Set("X-Upstream-Request-Id", id)
	}
	return h
}
