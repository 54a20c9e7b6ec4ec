package plugintest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// endpoints near the sample's, written in ways some server reads as the
// sample's, must not be forwarded.
func (s Suite) endpoints(t *testing.T, sample Sample) {
	path := sample.Request.Path
	tried := 0
	for _, trick := range pathTricks(path) {
		if s.anotherValue(sample, trick) {
			continue
		}
		tried++
		r := clone(sample.Request)
		r.Path = trick
		s.mustRefuse(t, fmt.Sprintf("path %q", trick), r, http.StatusNotFound, plugins.CodeUnsupportedEndpoint)
	}
	if tried < 200 {
		t.Errorf("only %d variants of %s were tried", tried, path)
	}
	for _, method := range []string{"", "get", "post", "GETT", http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect, "PROPFIND", "GET "} {
		r := clone(sample.Request)
		r.Method = method
		s.mustRefuse(t, fmt.Sprintf("method %q", method), r, http.StatusNotFound, plugins.CodeUnsupportedEndpoint)
	}
}

// anotherValue reports whether a path is one the manifest opens with some value
// for a placeholder: no trick, but what apps may ask for.
func (s Suite) anotherValue(sample Sample, path string) bool {
	for _, a := range s.Provider.Manifest().Actions {
		if a.Method != sample.Request.Method || !strings.Contains(a.Path, "{") {
			continue
		}
		shape := placeholder.ReplaceAllString(regexp.QuoteMeta(a.Path), `[A-Za-z0-9_-]([A-Za-z0-9._~-]*[A-Za-z0-9_~-])?`)
		if matched, err := regexp.MatchString("^(/v1[a-z]*)?"+shape+"$", path); matched && err == nil && !strings.Contains(path, "..") {
			return true
		}
	}
	return false
}

var placeholder = regexp.MustCompile(`\\\{[a-z0-9_]+\\\}`)

// pathTricks are variants of a path no provider may take for the path itself.
func pathTricks(path string) []string {
	tricks := []string{
		"", "/", "//", "*", ".", "..", "/..", "/../..", "/zz-unknown", "/v1", "/v1/", "/v1/v1" + path, "/v2" + path,
		"/V1" + path, "/else" + path, strings.ToUpper(path), path[1:],
		"/v1/../v1" + path, "/v1/." + path, "/v1//" + path, "/v1%2f" + path[1:], "/v1;" + path, "/r/llm/openai" + path, "/.well-known" + path,
		"http://example.com" + path, "//example.com" + path, "@example.com" + path, "\\\\example.com" + path,
	}
	for _, tail := range []string{
		"/", "//", "/.", "/..", "/../", ".", "..", "...", ";", ";x=1", "%", "%00", "%20", " ", "\t", "\r\n", "\x00", "?", "?x=1", "%3f", "%3Fx=1",
		"#", "%23", "\\", "%5c", "/zz", "/../zz", "%2f", "%2F..", "%2e", "%252e", ".json", "~", ":", "%0a", "%0d%0a", "%09", "%c0%af", "%ef%bc%8f", "..;", ";/", "/;/zz", "//zz", "|", "*", "\xff", ",", "+", "$", "!", "'", "(", "%u002f", ":zz", "@", "&x", "\u2215zz", "\u00e9",
	} {
		tricks = append(tricks, path+tail)
	}
	for _, head := range []string{
		"/", "//", "/.", "/./", "/..", "/../", "/zz/..", "/%2e", "/%2e%2e", "/%2e%2e/", "/%252e%252e/", "/..%2f", "/..;/", "/;/", "\\", "/\\", "\\..\\",
		"/%2f", "/%5c", "/..%5c", "/.%2e/", "/%u002e%u002e", "/%c0%ae%c0%ae/", "%2f", " ", "\t", "/ ", "/%20", "/%00",
	} {
		tricks = append(tricks, head+path)
	}
	last := strings.LastIndexByte(path, '/')
	for _, up := range []string{
		"../", "..%2f", "..%2F", "%2e%2e/", "%2e%2e%2f", ".%2e/", "%2e./", "..%5c", "..\\", "%252e%252e%252f", "%252e%252e/", "..%252f", "..;/", "..;x/",
		"..%00/", "..%0d/", "..%20/", "%c0%ae%c0%ae/", "..%c0%af", "..%ef%bc%8f", "..//", "..../", "....//", "..%u2215", "\uff0e\uff0e/", "..\u2215",
	} {
		tricks = append(tricks, "/"+up+path[1:], "/zz/"+up+path[1:], path+"/"+up, path[:last+1]+up+path[last+1:], path[:last+1]+"zz/"+up+path[last+1:])
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
