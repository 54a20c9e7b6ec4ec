package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	maxOrigins     = 16
	maxOriginBytes = 256
)

// judgeOrigin holds browsers to the pages the owner has named. A request that
// comes from no web page has no origin, and is not theirs to send in anybody's
// name: it needs the app's key, and a page cannot leave the header out.
func judgeOrigin(d Document, req Request) verdict {
	switch {
	case d.Origins == nil:
		return pass(unrestricted)
	case req.Origin == "":
		return pass("comes from no web page")
	case slices.Contains(d.Origins, req.Origin):
		return pass("granted")
	}
	return fail(CodeAddressNotAllowed, "web pages at %s may not use this permission; ask the owner to add the origin", quote(req.Origin))
}

func (d Document) validateOrigins() error {
	if err := list("origins", d.Origins, maxOrigins); err != nil {
		return err
	}
	for i, o := range d.Origins {
		if !isOrigin(o) {
			return refuse(fmt.Sprintf("origins[%d]", i), "must be an origin as browsers send it, such as https://app.example: lower case, no path, no default port; http only for localhost and loopback addresses")
		}
	}
	return nil
}

// isOrigin says whether a browser could send text as the Origin of a page that
// is allowed to sign (RFC 6454 section 6.2): secure contexts only.
func isOrigin(text string) bool {
	scheme, host, ok := strings.Cut(text, "://")
	if !ok || len(text) > maxOriginBytes {
		return false
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		port := host[i+1:]
		if !isPort(port) || (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
			return false
		}
		host = host[:i]
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	isIP := err == nil && ip.Zone() == "" && (ip.Is4() && host == ip.String() || ip.Is6() && host == "["+ip.String()+"]")
	if !isIP && !isHost(host) {
		return false
	}
	return scheme == "https" || scheme == "http" && (host == "localhost" || isIP && ip.IsLoopback())
}

func isPort(text string) bool {
	return len(text) >= 1 && len(text) <= 5 && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

// isHost refuses what a browser would read as a number.
func isHost(text string) bool {
	last := text[strings.LastIndexByte(text, '.')+1:]
	return text != "" && last != "" && !strings.HasPrefix(text, ".") && !strings.Contains(text, "..") &&
		strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == "" && last[0] >= 'a' && last[0] <= 'z'
}
