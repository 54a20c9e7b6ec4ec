package client

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// PairingString is a parsed pairing string. Printing it does not show the code.
type PairingString struct {
	issuer string
	code   string
}

// codeBytes is the length of a one-time code.
const codeBytes = 32

// ParsePairingString reads pair::<issuer>::<code>: the gateway's origin, https unless it is on the loopback interface,
// and a code of 256 bits in base64url. White space around the whole is taken for a slip of pasting. All errors match
// ErrPairingString and none quotes the code.
func ParsePairingString(value string) (PairingString, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(value), "pair::")
	if !ok {
		return PairingString{}, fmt.Errorf("%w: it must begin with \"pair::\"", ErrPairingString)
	}
	split := strings.LastIndex(rest, "::") // the last, since an IPv6 issuer may hold others
	if split < 0 {
		return PairingString{}, fmt.Errorf("%w: it must read pair::<gateway>::<code>; copy all of it", ErrPairingString)
	}
	issuer, code := rest[:split], rest[split+2:]
	if err := checkIssuer(issuer); err != nil {
		return PairingString{}, fmt.Errorf("%w: %w", ErrPairingString, err)
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil || len(decoded) != codeBytes || strings.ContainsAny(code, "\r\n") {
		return PairingString{}, fmt.Errorf("%w: the code is cut off or mistyped; copy all of it", ErrPairingString)
	}
	return PairingString{issuer: issuer, code: code}, nil
}

// Issuer is the gateway's origin.
func (p PairingString) Issuer() string { return p.issuer }

// String shows the gateway and hides the code.
func (p PairingString) String() string { return "pair::" + p.issuer + "::[redacted]" }

// GoString is as String.
func (p PairingString) GoString() string { return p.String() }
