package plugins

import (
	"errors"
	"net/http"
	"slices"
)

// ErrSecret is a credential that cannot travel in a header. The error carries
// nothing of it.
var ErrSecret = errors.New("the stored key is empty or holds bytes a header cannot carry; add it again")

// Authorize puts secret on h where m says, and removes every other credential,
// so that nothing the client sent can stand beside it. On [ErrSecret] h carries
// no credential at all. A provider without keys gets none, whatever is stored.
func Authorize(h http.Header, m Manifest, secret []byte) error {
	for _, name := range clientCredentials() {
		h.Del(name)
	}
	if m.Credential.None {
		return nil
	}
	h.Del(m.Credential.Header)
	if len(secret) == 0 || slices.ContainsFunc(secret, unsendable) {
		return ErrSecret
	}
	h.Set(m.Credential.Header, m.Credential.Prefix+string(secret))
	return nil
}

// unsendable bytes end or bend a header field (RFC 9110 section 5.5); a space at
// an end would be cut off on the way, and no provider issues keys with spaces.
func unsendable(b byte) bool { return b <= ' ' || b >= 0x7f }
