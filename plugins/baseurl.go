package plugins

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

var basePathShape = regexp.MustCompile(`^(/[A-Za-z0-9_~.:@!$&'()*+,=-]+)+$`)

// baseURLProblem says what is wrong with a base URL, or nothing. Plain http is
// for services on this machine, and on a private network for those without keys:
// a key must not cross a network in the clear.
func baseURLProblem(text string, private, keyless bool) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || !strings.HasPrefix(text, u.Scheme+"://"):
		return "must be an absolute URL"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return "must not carry a user, a query or a fragment"
	case u.EscapedPath() != "" && (!PlainPath(u.EscapedPath()) || !basePathShape.MatchString(u.EscapedPath())):
		return "must have a plain path without a trailing slash"
	case !private && (loopback(u.Hostname()) || nearby(u.Hostname())):
		return "is an address of this machine or of a private network; if that is meant, set allow_private to true"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && (loopback(u.Hostname()) || keyless && nearby(u.Hostname())):
		return ""
	}
	return "must be https (http is for this machine, and for private addresses of providers without keys)"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || (ip != nil && ip.IsLoopback())
}

func nearby(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}
