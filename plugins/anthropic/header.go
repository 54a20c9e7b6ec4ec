package anthropic

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const defaultVersion = "2023-06-01"

var versionShape = regexp.MustCompile(`^20\d\d-\d\d-\d\d$`)

// requestHeader is what the provider sees of a client's headers. Workspace and
// user profile choose who pays, so they are the owner's; X-Stainless-* and
// User-Agent describe the app's machine.
func (p *Provider) requestHeader(client http.Header) http.Header {
	h := p.manifest.RequestHeader(client, "Accept", "Anthropic-Version")
	if !versionShape.MatchString(h.Get("Anthropic-Version")) {
		h.Set("Anthropic-Version", defaultVersion)
	}
	h.Del("Anthropic-Beta")
	if betas := knownBetas(client); len(betas) > 0 {
		h.Set("Anthropic-Beta", strings.Join(betas, ","))
	}
	return h
}

// ResponseHeader implements [plugins.Provider]. The provider's own rate limits
// and organisation are the owner's business. Its request id stays where SDKs
// look for it, and is also where it is with every other provider.
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	h := plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After", "X-Should-Retry")
	if id := upstream.Get("Request-Id"); id != "" && len(id) <= 128 {
		h.Set("Request-Id", id)
		h.Set("X-Upstream-Request-Id", id)
	}
	return h
}
