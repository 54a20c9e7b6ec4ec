package dpop

import (
	"encoding/base64"
	"strings"
)

// compact is a JWS in compact serialisation (RFC 7515 section 7.1), cut but not yet decoded.
type compact struct {
	header, payload, signature string // base64url
	signed                     string // header.payload, what the signature is over
}

// cut takes the one DPoP header apart. A second header is refused because servers differ in which of the two they
// believe (RFC 9449 section 4.3, check 1); so is JSON serialisation, which never has exactly two dots and base64url.
func cut(headers []string) (compact, error) {
	if len(headers) != 1 {
		return compact{}, invalid("%d DPoP headers, want one", len(headers))
	}
	value := headers[0]
	if len(value) > MaxProofBytes {
		return compact{}, invalid("%d bytes, at most %d", len(value), MaxProofBytes)
	}
	first, last := strings.IndexByte(value, '.'), strings.LastIndexByte(value, '.')
	if first < 0 || first == last || strings.IndexByte(value[first+1:last], '.') >= 0 {
		return compact{}, invalid("not a compact JWS")
	}
	return compact{
		header: value[:first], payload: value[first+1 : last], signature: value[last+1:], signed: value[:last],
	}, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

// decode decodes base64url in its one canonical form: no padding, no stray bits, and no line breaks, which the
// standard library would skip.
func decode(segment string) ([]byte, error) {
	if segment == "" || strings.ContainsAny(segment, "\r\n") {
		return nil, invalid("empty or broken base64url")
	}
	data, err := strictBase64.DecodeString(segment)
	if err != nil {
		return nil, invalid("not canonical base64url")
	}
	return data, nil
}
