package plugintest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// endpoints near the sample's, written in ways some server reads as the
// sample's, must not be forwarded.
func (s Suite) endpoints(t *testing.T, sample Sample) {
	path := sample.Request.Path
	for _, trick := range pathTricks(path) {
		r := clone(sample.Request)
		r.Path = trick
		s.mustRefuse(t, fmt.Sprintf("path %q", trick), r, http.StatusNotFound, plugins.CodeUnsupportedEndpoint)
	}
	for _, method := range []string{"", "get", "post", "GETT", http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect, "PROPFIND", "GET "} {
		r := clone(sample.Request)
		r.Method = method
		s.mustRefuse(t, fmt.Sprintf("method %q", method), r, http.StatusNotFound, plugins.CodeUnsupportedEndpoint)
	}
}

// pathTricks are variants of a path no provider may take for the path itself.
func pathTricks(path string) []string {
	tricks := []string{
		"", "/", "//", "*", ".", "..", "/..", "/../..", "/zz-unknown", "/v1", "/v1/", "/v1/v1" + path, "/v2" + path,
		"/V1" + path, "/api" + path, strings.ToUpper(path), path[1:],
		"http://example.com" + path, "//example.com" + path, "@example.com" + path, "\\\\example.com" + path,
	}
	for _, tail := range []string{
		"/", "//", "/.", "/..", "/../", ".", "..", "...", ";", ";x=1", "%", "%00", "%20", " ", "\t", "\r\n", "\x00", "?", "?x=1", "%3f", "%3Fx=1",
		"#", "%23", "\\", "%5c", "/zz", "/../zz", "%2f", "%2F..", "%2e", "%252e", ".json", "~", ":", ":zz", "@", "&x", "\u2215zz", "\u00e9",
	} {
		tricks = append(tricks, path+tail)
	}
	for _, head := range []string{
		"/", "//", "/.", "/./", "/..", "/../", "/zz/..", "/%2e", "/%2e%2e", "/%2e%2e/", "/%252e%252e/", "/..%2f", "/..;/", "/;/", "\\", "/\\", "\\..\\",
		"/%2f", "/%5c", "/..%5c", "/.%2e/", "/%u002e%u002e", "/%c0%ae%c0%ae/", "%2f", " ", "\t", "/ ", "/%20", "/%00",
	} {
		tricks = append(tricks, head+path)
	}
	for i, c := range path {
		if i == 0 {
			continue
		}
		tricks = append(tricks, path[:i]+fmt.Sprintf("%%%02x", c)+path[i+1:], path[:i]+fmt.Sprintf("%%25%02x", c)+path[i+1:])
		if c == '/' {
			for _, instead := range []string{"//", "/./", "/../", "\\", "%2f", "%252f", ";/", "/;", "/%2e/", "\u2215", "\uff0f"} {
				tricks = append(tricks, path[:i]+instead+path[i+1:])
			}
		}
	}
	return tricks
}
