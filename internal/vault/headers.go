package vault

import (
	"fmt"
	"net/textproto"
	"regexp"
)

const (
	maxHeaders     = 8
	maxHeaderValue = 256
)

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

// cleanHeaders gives the names their canonical form. Error: *CredentialError.
func cleanHeaders(given map[string]string) (map[string]string, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > maxHeaders {
		return nil, &CredentialError{"headers", fmt.Sprintf("there may be %d at most", maxHeaders)}
	}
	clean := make(map[string]string, len(given))
	for name, value := range given {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch _, twice := clean[canonical]; {
		case !headerName.MatchString(name):
			return nil, &CredentialError{"headers", "a name must be letters, digits and dashes"}
		case twice:
			return nil, &CredentialError{"headers", canonical + " is given twice"}
		case Reserved(canonical) != "":
			return nil, &CredentialError{"headers", canonical + " cannot be stored with a key, since " + Reserved(canonical)}
		case !plainValue(value):
			return nil, &CredentialError{"headers", fmt.Sprintf("%s must be 1 to %d printable ASCII characters without spaces", canonical, maxHeaderValue)}
		}
		clean[canonical] = value
	}
	return clean, nil
}

// Reserved says why no header of this canonical name goes with a key; "" where
// one may.
func Reserved(name string) (why string) {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Dpop", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Auth-Token":
		return "it carries a credential, and the gateway puts the key itself where the provider expects it"
	case "Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Idempotency-Key":
		return "it is of each request, and the gateway's to set"
	case "Connection", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return "it is of the connection, and the gateway's to set"
	}
	return ""
}

func plainValue(value string) bool {
	if value == "" || len(value) > maxHeaderValue {
		return false
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return false
		}
	}
	return true
}
