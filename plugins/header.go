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
	out := make(http.Header)
	allow(out, h, names)
	return out
}

func allow(out, h http.Header, names []string) {
	for _, name := range names {
		name = textproto.CanonicalMIMEHeaderKey(name)
		values := h[name]
		if len(values) == 1 && len(values[0]) <= maxHeaderValue && !nominated(h["Connection"], name) {
			out[name] = values[:1:1]
		}
	}
}

// RequestHeader is what a provider sees of a client's headers: those that the
// dialect names in also and those the manifest passes, with the manifest's own
// where the client has none. Answers must come uncompressed, or their usage
// could not be read; what app is calling is not the provider's business.
func (m Manifest) RequestHeader(client http.Header, also ...string) http.Header {
	h := make(http.Header)
	allow(h, client, also)
	allow(h, client, m.PassHeaders)
	for name, value := range m.Headers {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	own := []string{"identity", "keywicket"}
	h["Accept-Encoding"], h["User-Agent"] = own[:1:1], own[1:2:2]
	return h
}

// nominated reports whether one of the lines of Connection has the name, which is
// a canonical one.
func nominated(lines []string, name string) bool {
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(option)) == name {
				return true
			}
		}
	}
	return false
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
