package client

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// checkIssuer accepts a gateway's public URL: an origin in its usual spelling, https unless it is on the loopback
// interface, where nobody can listen in.
func checkIssuer(issuer string) error {
	parsed, err := url.Parse(issuer)
	if err != nil || parsed.Host == "" || parsed.Opaque != "" {
		return errors.New("the gateway must be a URL such as https://keys.example.com")
	}
	if parsed.User != nil || parsed.Path != "" || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" || strings.HasSuffix(issuer, "#") {
		return errors.New("the gateway's URL must have no user, path, query or fragment")
	}
	if origin(parsed) != issuer || strings.ContainsFunc(issuer, notASCII) {
		return errors.New("the gateway's URL must be plain ASCII in lower case, without a default port")
	}
	if parsed.Scheme == "https" || parsed.Scheme == "http" && isLoopback(parsed.Hostname()) {
		return nil
	}
	return errors.New("the gateway's URL must be https; http is for the loopback interface only")
}

func notASCII(r rune) bool { return r > unicode.MaxASCII }

// origin is scheme, host and port of a URL in their usual spelling (RFC 6454 section 4); what cannot be a gateway's
// comes out as something no issuer equals.
func origin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// checkOrigin refuses URLs that are not the gateway's: a token or proof sent there would be given away.
func (c *Connection) checkOrigin(u *url.URL) error {
	if u == nil || u.User != nil || u.Opaque != "" || origin(u) != c.issuer {
		where := "nowhere"
		if u != nil {
			where = origin(u)
		}
		return fmt.Errorf("%w: the request goes to %s, the connection is with %s", ErrForeignOrigin, where, c.issuer)
	}
	return nil
}
