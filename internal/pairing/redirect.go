package pairing

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

const maxRedirectURIs = 8

var errRedirectURI = errors.New("must be https URLs, or http on 127.0.0.1 or [::1], each of at most 512 visible ASCII characters, without user name and fragment")

// checkRedirectURIs holds redirect URIs to those that a code can safely be
// sent to (RFC 8252 section 7.3, RFC 9700 section 2.1): TLS, or this very
// machine by its address. A name such as localhost can be made to mean another
// one.
func checkRedirectURIs(all []string) ([]string, error) {
	if len(all) > maxRedirectURIs {
		return nil, fmt.Errorf("can be %d at most", maxRedirectURIs)
	}
	for i, uri := range all {
		if _, err := redirectURL(uri); err != nil {
			return nil, err
		}
		if slices.Contains(all[:i], uri) {
			return nil, errors.New("must not name one twice")
		}
	}
	return all, nil
}

func redirectURL(uri string) (*url.URL, error) {
	if len(uri) > maxURIBytes || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}#", r) }) {
		return nil, errRedirectURI
	}
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.HasSuffix(u.Host, ":") || !plainHost(u) {
		return nil, errRedirectURI
	}
	if !strings.HasPrefix(uri, "https://") && !isLoopbackURL(u) {
		return nil, errRedirectURI
	}
	return u, nil
}

// plainHost refuses host names that a browser may read as another host than Go
// does: escapes, and names that it would take for a number in some notation.
func plainHost(u *url.URL) bool {
	name := u.Hostname()
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Trim(name, letters+"0123456789-.") == "" && last != "" && strings.ContainsAny(last[:1], letters)
}

// isLoopbackURL says whether u is http on this machine, by address.
func isLoopbackURL(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && u.Scheme == "http" && ip.IsLoopback()
}

// browserOrigin is the origin of a page at u, as browsers write it (RFC 6454
// section 6.2).
func browserOrigin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); (u.Scheme == "https" && port == "443") || (u.Scheme == "http" && port == "80") {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// redirectRegistered says whether an app may be answered at uri: one that it
// registered, character by character. The port of a loopback address is the
// one exception: an app gets it from the operating system when it starts (RFC
// 8252 section 7.3).
func (a appRecord) redirectRegistered(uri string) bool {
	if slices.Contains(a.RedirectURIs, uri) {
		return true
	}
	portless, ok := withoutLoopbackPort(uri)
	return ok && slices.ContainsFunc(a.RedirectURIs, func(registered string) bool {
		other, ok := withoutLoopbackPort(registered)
		return ok && other == portless
	})
}

func withoutLoopbackPort(uri string) (string, bool) {
	u, err := redirectURL(uri)
	if err != nil || !isLoopbackURL(u) {
		return "", false
	}
	_, rest, _ := strings.Cut(uri, "://")
	return strings.TrimSuffix(u.Host, ":"+u.Port()) + strings.TrimPrefix(rest, u.Host), true
}

// codeAnswer is where a browser takes the code to (RFC 6749 section 4.1.2).
func (p *Pairing) codeAnswer(r requestRecord, code string) string {
	return p.answerAt(r, url.Values{"code": {code}})
}

// errorAnswer is where a browser takes a refusal to (RFC 6749 section 4.1.2.1).
func (p *Pairing) errorAnswer(r requestRecord, code, description string) string {
	return p.answerAt(r, url.Values{"error": {code}, "error_description": {description}})
}

// answerAt adds the answer to the redirect URI, with the app's state and, as
// RFC 9207 wants, who is answering.
func (p *Pairing) answerAt(r requestRecord, answer url.Values) string {
	answer.Set("iss", p.cfg.Issuer)
	if r.Pushed.State != "" {
		answer.Set("state", r.Pushed.State)
	}
	separator := "?"
	if strings.Contains(r.RedirectURI, "?") {
		separator = "&"
	}
	return r.RedirectURI + separator + answer.Encode()
}
