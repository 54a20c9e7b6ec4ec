package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ErrPublicURL says that the public URL is missing or unusable; the text says
// what to set instead.
var ErrPublicURL = errors.New("public URL")

// publicURL returns the origin under which apps and the owner's browser reach
// this gateway. It is the OAuth issuer and what proofs are checked against, so
// it comes from configuration and never from a request.
//
// Plain http is for loopback only: off loopback a token and the console's
// cookie would cross the network in clear. behindProxy says that a reverse
// proxy on the way terminates TLS, so the gateway itself may listen anywhere
// while the public URL is still https.
func publicURL(configured string, listen net.Addr, behindProxy bool) (string, error) {
	if configured == "" {
		if !isLoopback(listen) {
			return "", fmt.Errorf("%w: listening on %s, which others can reach, needs --public-url https://your.name (and --behind-proxy when a proxy in front terminates TLS)", ErrPublicURL, listen)
		}
		return "http://" + listen.String(), nil
	}
	u, err := url.Parse(configured)
	if err != nil {
		return "", fmt.Errorf("%w: %q is not a URL: give an origin such as https://keys.example.com", ErrPublicURL, configured)
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("%w: give an origin only, such as https://keys.example.com", ErrPublicURL)
	}
	origin := strings.ToLower(u.Scheme + "://" + u.Host)
	switch {
	case u.Scheme == "http" && isLoopbackHost(u.Hostname()) && (isLoopback(listen) || behindProxy):
		return origin, nil
	case u.Scheme == "http" && isLoopbackHost(u.Hostname()):
		return "", fmt.Errorf("%w: listening on %s, others could reach the console over plain http: listen on loopback, or add --behind-proxy when something in front keeps them out", ErrPublicURL, listen)
	case u.Scheme != "https":
		return "", fmt.Errorf("%w: %s must be https: plain http would show tokens to the network (http is accepted for 127.0.0.1, [::1] and localhost only)", ErrPublicURL, origin)
	case !behindProxy:
		return "", fmt.Errorf("%w: %s is https, and the gateway itself serves plain http: put a reverse proxy with TLS in front (Caddy, nginx, tailscale serve) and add --behind-proxy", ErrPublicURL, origin)
	}
	return origin, nil
}

func isLoopback(addr net.Addr) bool {
	host, _, err := net.SplitHostPort(addr.String())
	return err == nil && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
