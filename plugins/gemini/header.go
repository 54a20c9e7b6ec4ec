package gemini

import (
	"mime"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

// ResponseHeader implements [plugins.Provider].
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	return plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After")
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
