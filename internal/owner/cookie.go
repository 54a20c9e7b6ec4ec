package owner

import (
	"encoding/hex"
	"net/http"

	"github.com/keywicket/keywicket/internal/store"
)

// cookieName differs between data directories: cookies are not kept apart by
// port, and two gateways on one machine must not sign each other out.
func cookieName(s *store.Store, secure bool) string {
	name := "keywicket-" + hex.EncodeToString(s.Derive("owner cookie name")[:4])
	if secure {
		// With this prefix no subdomain and no plain http can set it.
		return "__Host-" + name
	}
	return name
}

// Cookie carries a session token to the browser and back; with the empty token
// it makes the browser forget. No script can read it, and no other site can
// cause it to be sent.
func (o *Owner) Cookie(token string) *http.Cookie {
	c := &http.Cookie{
		Name: o.cookie, Value: token, Path: "/", MaxAge: int(AbsoluteExpiry.Seconds()),
		HttpOnly: true, Secure: o.secure, SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

// Token returns the session token that a request carries, "" when it carries
// none or several: somebody else then planted one.
func (o *Owner) Token(r *http.Request) string {
	found := r.CookiesNamed(o.cookie)
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}
