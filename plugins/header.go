package plugins

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

const maxHeaderValue = 4 << 10 // bytes of one allowlisted value

// AllowHeader puts the named headers of h into a fresh map and nothing else; the
// texts stay h's, which must not be changed in place.
// A header nominated by Connection belongs to one hop and is not copied (RFC
// 9110 section 7.6.1), nor is one given more than once or longer than 4 KiB.
func AllowHeader(h http.Header, names ...string) http.Header {
	nominated := connectionNames(h)
	out := make(http.Header, len(names)+4) // callers add a few
	for _, name := range names {
		name = textproto.CanonicalMIMEHeaderKey(name)
		values := h[name]
		if len(values) != 1 || len(values[0]) > maxHeaderValue || nominated[name] {
			continue
		}
		out[name] = values[:1:1]
	}
	return out
}

// RequestHeader is what a provider sees of a client's headers: those that the
// dialect names in also and those the manifest passes, with the manifest's own
// where the client has none. Answers must come uncompressed, or their usage
// could not be read; what app is calling is not the provider's business.
func (m Manifest) RequestHeader(client http.Header, also ...string) http.Header {
	h := AllowHeader(client, slices.Concat(also, m.PassHeaders)...)
	for name, value := range m.Headers {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	h.Set("Accept-Encoding", "identity")
	h.Set("User-Agent", "keywicket")
	return h
}

func connectionNames(h http.Header) map[string]bool {
	lines := h["Connection"]
	if len(lines) == 0 {
		return nil
	}
	names := make(map[string]bool)
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			names[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))] = true
		}
	}
	return names
}

// clientCredentials are headers by which some provider recognises its customer.
func clientCredentials() []string {
	return []string{
		"Authorization", "Proxy-Authorization", "Cookie", "Dpop",
		"X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Auth-Token",
	}
}

// reservedHeader reports whether HTTP gives the header a meaning of its own, so
// that a key must not be put there.
func reservedHeader(name string) bool {
	return slices.Contains([]string{
		"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
		"Cookie", "Date", "Dpop", "Expect", "Host", "Keep-Alive", "Origin", "Proxy-Authorization",
		"Proxy-Connection", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
	}, textproto.CanonicalMIMEHeaderKey(name))
}
