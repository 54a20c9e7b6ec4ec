package vault

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const maxBaseURL = 512

// cleanBaseURL checks where a key may be sent: an absolute https URL, or http
// to this machine: a key must not cross a network in clear. It returns the
// URL without a slash at its end; "" stays "". Error: *CredentialError.
func cleanBaseURL(text string) (string, error) {
	refuse := func(problem string) (string, error) { return "", &CredentialError{"base URL", problem} }
	if text == "" {
		return "", nil
	}
	if len(text) > maxBaseURL {
		return refuse("it is longer than 512 bytes")
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return refuse("only printable ASCII without spaces and backslashes is allowed")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return refuse("it must be like https://api.example.com/v1")
	case u.User != nil:
		return refuse("it must not contain a user name or password")
	case strings.ContainsAny(text, "?#"):
		return refuse("it must not contain a query or fragment")
	case strings.Contains(text, "%"):
		return refuse("it must not contain escapes")
	case !validPort(u.Host, u.Port()):
		return refuse("its port must be 1 to 65535")
	case !validPath(u.Path):
		return refuse("its path must not contain empty or dot segments")
	case u.Scheme == "http" && !nearby(u.Hostname()):
		return refuse("plain http is allowed to localhost and loopback addresses only: use https")
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/"), nil
}

func validPort(host, port string) bool {
	if port == "" {
		return !strings.HasSuffix(host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func validPath(path string) bool {
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return true
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// nearby reports whether the host is this machine.
// Other names than localhost could resolve to anything.
func nearby(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return addr.Unmap().IsLoopback()
}
