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
		case !plainValue(value):
			return nil, &CredentialError{"headers", fmt.Sprintf("%s must be 1 to %d printable ASCII characters without spaces", canonical, maxHeaderValue)}
		}
		clean[canonical] = value
	}
	return clean, nil
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
