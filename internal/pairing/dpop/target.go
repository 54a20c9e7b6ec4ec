package dpop

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// sameTarget compares htu with the request's URL after the syntax-based and scheme-based normalisation that
// RFC 9449 section 4.3 asks for (RFC 3986 sections 6.2.2 and 6.2.3): case of scheme, host and percent-encoding,
// needless percent-encoding, default port, empty path. Query and fragment are ignored.
//
// Two URLs that only dot segments tell apart are not the same here: servers and proxies differ in when they resolve
// them, so a URL with one is refused on either side.
func sameTarget(htu, url string) error {
	var spaceA, spaceB [256]byte // enough for nearly all URLs, and on the stack
	a, err := appendCanonical(spaceA[:0], htu)
	if err != nil {
		return err
	}
	b, err := appendCanonical(spaceB[:0], url)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return invalid("htu is for another URL")
	}
	return nil
}

// appendCanonical appends the one spelling of an http or https URL without query and fragment.
func appendCanonical(dst []byte, url string) ([]byte, error) {
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil, invalid("htu is not an absolute URL")
	}
	defaultPort := ""
	switch {
	case strings.EqualFold(scheme, "https"):
		dst, defaultPort = append(dst, "https://"...), "443"
	case strings.EqualFold(scheme, "http"):
		dst, defaultPort = append(dst, "http://"...), "80"
	default:
		return nil, invalid("htu is neither http nor https")
	}
	authority, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	dst, err := appendAuthority(dst, authority, defaultPort)
	if err != nil {
		return nil, err
	}
	return appendPath(dst, path)
}

// appendAuthority takes host and port; user information is refused.
func appendAuthority(dst []byte, authority, defaultPort string) ([]byte, error) {
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
	}
	dst, err := appendHost(dst, host)
	if err != nil || port == "" || port == defaultPort {
		return dst, err
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 || port[0] == '0' || port[0] == '+' {
		return nil, invalid("htu has a bad port")
	}
	return append(append(dst, ':'), port...), nil
}

func appendHost(dst []byte, host string) ([]byte, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		if !closed || err != nil || !address.Is6() || address.Zone() != "" {
			return nil, invalid("htu has a bad IPv6 address")
		}
		return append(address.AppendTo(append(dst, '[')), ']'), nil
	}
	if host == "" {
		return nil, invalid("htu has no host")
	}
	for i := range len(host) {
		c := host[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default: // also @, % and everything beyond ASCII
			return nil, invalid("htu has a bad host")
		}
		dst = append(dst, c)
	}
	return dst, nil
}

// appendPath takes a path that is empty or starts with a slash. Characters that RFC 3986 wants encoded but clients
// send as they are (such as | and ^) count as encoded; controls, spaces, backslashes and non-ASCII are refused.
func appendPath(dst []byte, path string) ([]byte, error) {
	if path == "" {
		return append(dst, '/'), nil
	}
	segment := len(dst) + 1
	for i := 0; i < len(path); i++ {
		c, encoded := path[i], false
		if c == '%' {
			if i+2 >= len(path) {
				return nil, invalid("htu has broken percent-encoding")
			}
			value, err := strconv.ParseUint(path[i+1:i+3], 16, 8)
			if err != nil || path[i+1] == '+' {
				return nil, invalid("htu has broken percent-encoding")
			}
			c, encoded = byte(value), true
			i += 2
		}
		switch {
		case !encoded && (c <= ' ' || c >= 0x7f || c == '\\'):
			return nil, invalid("htu has a character that must be encoded")
		case c == '/' && !encoded:
			if isDots(dst, segment) {
				return nil, invalid("htu has dot segments")
			}
			dst = append(dst, c)
			segment = len(dst)
		case isUnreserved(c), !encoded && isReserved(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	if isDots(dst, segment) {
		return nil, invalid("htu has dot segments")
	}
	return dst, nil
}

const upperHex = "0123456789ABCDEF"

// isDots reports whether what dst holds from start on is . or ..
func isDots(dst []byte, start int) bool {
	if start > len(dst) {
		return false
	}
	last := string(dst[start:])
	return last == "." || last == ".."
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isReserved(c byte) bool { return strings.IndexByte("!$&'()*+,;=:@", c) >= 0 }
