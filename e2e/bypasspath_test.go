package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// roundabout are targets of a request that lead to path, or out of it, by the
// reading of one server or another.
func roundabout(path string) []string {
	parts := strings.SplitN(path, "/", 5) // "", r, type, provider and the rest
	resource, rest := strings.Join(parts[:4], "/"), "/"+parts[4]
	all := []string{
		"http://evil.example" + path, "https://evil.example" + path, "http://evil.example@" + path, "//evil.example" + path, "///" + path, path[1:], "*", "/", "/r", "/r/", resource, resource + "/",
		"http:" + path, "http://" + path, "file://" + path, `\\evil.example` + path, `\` + path[1:], "@evil.example" + path, "evil.example:443", "/evil.example:443", "javascript:" + path,
		resource + "@evil.example" + rest, resource + ":443" + rest, resource + "%40evil.example" + rest, resource + "/http://evil.example" + rest, resource + "//evil.example" + rest, resource + `/\evil.example` + rest,
		strings.Replace(path, "/r/", "/R/", 1), strings.Replace(path, "/r/", "/%72/", 1), strings.Replace(path, "/r/", "/r%2f", 1), strings.Replace(path, "/r/", "//r//", 1), strings.Replace(path, "/r/", "/x/../r/", 1),
		strings.ToUpper(path), strings.Replace(path, "/r/llm/", "/r/llm:", 1), strings.Replace(path, "/r/llm/", "/r/mail/", 1), strings.Replace(path, "/r/llm/", "/r/llm%2f", 1), strings.Replace(path, "/r/llm/", "/r/llm/../llm/", 1),
		"/r/../../../etc/passwd", "/r/llm/../admin", "/api/../" + path[1:], "/console/../" + path[1:], "/oauth/token/../.." + path, resource + "/v2" + rest, resource + "/v1/v1" + rest, resource + "/files", resource + "/organization/admin_api_keys",
		resource + "/v1/../organization/admin_api_keys", resource + "/fine_tuning/jobs", resource + "/assistants", resource + "/threads", resource + "/vector_stores", resource + "/uploads", resource + "/batches", resource + "/realtime",
		resource + rest + strings.Repeat("/", 300), resource + "/" + strings.Repeat("a", 5000), resource + "/" + strings.Repeat("../", 500) + rest[1:], resource + strings.Repeat("/v1", 500) + rest,
	}
	for _, tail := range []string{
		"/", "//", "/.", "/..", "/./", "/../", "/...", ".", "..", "...", "/../models", "/..%2fmodels", "/%2e%2e/models", "/%252e%252e/models", "/..;/models", ";", ";x", ";x=1", ";/models", "%3b", "%3bx=1", "%00", "%00.json", "%0a", "%0d%0a",
		"%0d%0aHost:%20evil.example", "%20", "%09", "+", "%2b", "~", ":", "!", "'", "*", "|", "%7c", "%", "%2", "%zz", "%u002f", "%c0%af", "%e0%80%af", "%ef%bc%8f", "%ff", "%2f", "%2F", "%2f..", "%2f%2e%2e", "%5c", "%5C..", "%5c..%5c", "%252f", "%25252f",
		"%3f", "%3fmodel=o3-pro", "%23", "%23x", "#", "#x", "#/../models", ".json", ".html", ".php", ",", "$", "(", "[", "{", "&a=b", "=", "@evil.example", "%40evil.example", `\`, `\..\models`, "\xff", "é", "\u2215", "\u2024", "\u3002", "／", "%e2%88%95",
	} {
		all = append(all, path+tail)
	}
	for _, up := range []string{
		"..", "..%2f", "..%2F", "%2e%2e", "%2e%2e%2f", "%2E%2E/", ".%2e/", "%2e./", "%252e%252e", "%252e%252e%252f", "%25252e%25252e/", "..%5c", `..\`, "%5c..%5c", "..;", "..;/", "..;x=y/", "..%3b/", "..%00/", "..%0d/", "..%20/", ". ./", ".%09./",
		"..%c0%af", "%c0%ae%c0%ae/", "%e0%80%ae%e0%80%ae/", "%uff0e%uff0e/", "．．/", "..%ef%bc%8f", "..//", "..../", "....//", ".../", "./", ".", "%2e/", ";/", "/", "//", "%2f", "%5c", `\`, "x/..", "x/../", "x%2f..%2f", "?/../", "#/../",
	} {
		all = append(all, resource+"/"+up+rest, resource+"/"+up+rest[1:])
		last := strings.LastIndexByte(path, '/')
		all = append(all, path[:last+1]+up+path[last+1:], path[:last+1]+"x/"+up+"/"+path[last+1:])
	}
	for i := len(resource) + 1; i < len(path); i += 3 {
		all = append(all, path[:i]+fmt.Sprintf("%%%02x", path[i])+path[i+1:], path[:i]+fmt.Sprintf("%%25%02X", path[i])+path[i+1:])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// harmless says that a target is the endpoint itself to every reader: a
// question mark ends a path, and the host of a target in absolute form is not
// where the gateway goes.
func harmless(target, path string) bool {
	u, err := url.ParseRequestURI(target)
	return err == nil && u.EscapedPath() == path
}

// TestPathTricks sends each endpoint its own request under hundreds of targets
// that are not its path, signed for what the gateway will take it for.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range append(endpoints(), forms()[0]) {
		tried, codes := 0, map[string]int{}
		for _, target := range roundabout(e.path) {
			if harmless(target, e.path) || target == e.path {
				continue
			}
			a := e.draft()
			a.target = target
			before := b.crossed()
			got := b.try(t, a)
			tried++
			codes[fmt.Sprint(got.status, " ", got.dialectCode())]++
			if got.status < 400 || got.status >= 500 && got.status != http.StatusHTTPVersionNotSupported && got.status != http.StatusNotImplemented {
				t.Errorf("%s: %.200q: got %d %.200q", e.name, target, got.status, got.body)
			}
			if after := b.crossed(); after != before {
				t.Errorf("%s: %.200q: %d bytes or connections reached a provider", e.name, target, after-before)
			}
		}
		if tried < 200 {
			t.Errorf("%s: only %d targets were tried", e.name, tried)
		}
		t.Logf("%s: %d targets: %v", e.name, tried, codes)
	}
}

// TestMethodTricks sends every method but the endpoint's own.
func TestMethodTricks(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range endpoints() {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post", "Post", "POSTX", "BREW"} {
			a := e.draft()
			a.method = method
			if method == "HEAD" {
				a.body, a.framing = "", "Content-Length: 0"
			}
			before := b.crossed()
			if got := b.try(t, a); got.status != 404 && got.status != 405 && got.status != 400 {
				t.Errorf("%s: %s: got %d %.200q", e.name, method, got.status, got.body)
			}
			if after := b.crossed(); after != before {
				t.Errorf("%s: %s: %d bytes or connections reached a provider", e.name, method, after-before)
			}
		}
	}
}
