package openai

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const (
	userAgent = "keywicket"
	maxQuery  = 4 << 10 // bytes; every name in it is compared with every decisive one
)

// requestHeader is what the provider sees of a client's headers. Organisation
// and project choose who pays, so they are the owner's; X-Stainless-* and
// User-Agent describe the app's machine. Answers must come uncompressed, or
// their usage could not be read.
func requestHeader(client http.Header) http.Header {
	h := plugins.AllowHeader(client, "Accept", "Idempotency-Key", "OpenAI-Beta")
	h.Set("Accept-Encoding", "identity")
	h.Set("User-Agent", userAgent)
	return h
}

// ResponseHeader implements [plugins.Provider]. The provider's own rate limits
// and organisation are the owner's business. Its request id moves aside for the
// gateway's.
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	h := plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "OpenAI-Processing-Ms",
		"OpenAI-Version", "Retry-After", "Retry-After-Ms", "X-Should-Retry")
	if id := upstream.Get("X-Request-Id"); id != "" && len(id) <= 128 {
		h.Set("X-Upstream-Request-Id", id)
	}
	return h
}

// checkEncoding accepts uncoded JSON in UTF-8 and nothing else: a coded body
// would have to be read twice, by two decoders that may disagree.
func checkEncoding(h http.Header) error {
	for _, coding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return plugins.UnsupportedEncoding("send the body without Content-Encoding")
		}
	}
	types := h.Values("Content-Type")
	if len(types) == 1 {
		media, params, err := mime.ParseMediaType(types[0])
		charset, given := params["charset"]
		if err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return plugins.UnsupportedEncoding("send the body as Content-Type: application/json in UTF-8")
}

// checkQuery lets no query through: the endpoints have none. Parameters that say
// nothing a policy looks at are dropped in silence, since some clients add an
// api-version everywhere; one that names what belongs in the body is refused,
// because a server might believe it rather than the body.
func checkQuery(raw string) error {
	if len(raw) > maxQuery {
		return plugins.Invalid("", "the query is too long; the endpoint takes none")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return plugins.Invalid("", "the query is malformed; the endpoint takes none")
	}
	for name := range values {
		if plugins.Mistakable(name, critical()...) {
			return plugins.Invalid("", "request members belong in the body, not in the query")
		}
	}
	return nil
}
