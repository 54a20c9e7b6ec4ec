package plugins

import (
	"net"
	"net/url"
	"strings"
)

// baseURLProblem says what is wrong with a base URL, or nothing. Plain http is
// for services on this machine: a key must not cross a network in the clear.
func baseURLProblem(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "must be an absolute URL"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return "must not carry a user, a query or a fragment"
	case u.EscapedPath() != "" && (!PlainPath(u.EscapedPath()) || strings.HasSuffix(u.Path, "/")):
		return "must have a plain path without a trailing slash"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	}
	return "must be https (http is for loopback addresses only)"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
