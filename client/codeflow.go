package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Authorization is a question on its way to the owner through a browser: send the browser to URL, and give what it
// brings back to the redirect URI to Complete. It is for one browser and one answer.
type Authorization struct {
	URL       string    // at the gateway; holds nothing secret
	ExpiresAt time.Time // until when the browser must have been there

	connection  *Connection
	redirectURI string
	state       string
	verifier    string // of PKCE (RFC 7636)
	done        atomic.Bool
}

// Authorize redeems a pairing string and puts app.Ask to the owner by the code flow, for apps that have a page to come
// back to. redirectURI is where: https, or http on 127.0.0.1 or [::1]. PairInBrowser does all of it for apps without a
// web server of their own.
//
// When nothing comes back, Open asks again by the device grant, without a new string. Errors are those of Pair.
func Authorize(ctx context.Context, pairingString string, app App, redirectURI string) (*Authorization, error) {
	parsed, err := ParsePairingString(pairingString)
	if err != nil {
		return nil, err
	}
	if err := checkName(app.Name); err != nil {
		return nil, err
	}
	if redirectURI == "" {
		return nil, errors.New("pairing: a redirect URI is required")
	}
	c, err := newConnection(parsed.issuer, app)
	if err != nil {
		return nil, err
	}
	e, err := c.discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("redeeming the pairing string: %w", err)
	}
	if e.Push == "" || e.Authorization == "" {
		return nil, fmt.Errorf("%s does not offer the code flow; use Pair", c.issuer)
	}
	if err := c.register(ctx, parsed.code, app, redirectURI); err != nil {
		return nil, fmt.Errorf("redeeming the pairing string: %w", err)
	}
	a, err := c.push(ctx, e, redirectURI, app.Rand)
	if err != nil {
		return nil, fmt.Errorf("asking for access: %w", err)
	}
	return a, nil
}

// push hands the question to the gateway, which gives a name for it to take to the browser (RFC 9126).
func (c *Connection) push(ctx context.Context, e *endpoints, redirectURI string, random io.Reader) (*Authorization, error) {
	a := &Authorization{connection: c, redirectURI: redirectURI}
	var err error
	if a.state, err = secretText(random); err != nil {
		return nil, err
	}
	if a.verifier, err = secretText(random); err != nil {
		return nil, err
	}
	challenge := sha256.Sum256([]byte(a.verifier))
	c.mu.Lock()
	id, asked := c.kept.ClientID, c.kept.Asked
	c.mu.Unlock()
	form := url.Values{
		"client_id": {id}, "response_type": {"code"}, "redirect_uri": {redirectURI}, "state": {a.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"dpop_jkt": {c.key.Load().Thumbprint()},
	}
	if len(asked) > 0 {
		details, err := json.Marshal(asked)
		if err != nil {
			return nil, err
		}
		form.Set("authorization_details", string(details))
	}
	var answer struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}
	if err := c.call(ctx, formCall(e.Push, form), &answer); err != nil {
		return nil, err
	}
	if answer.RequestURI == "" {
		return nil, errors.New("the gateway gave no request_uri")
	}
	query := url.Values{"client_id": {id}, "request_uri": {answer.RequestURI}}
	a.URL = e.Authorization + "?" + query.Encode()
	a.ExpiresAt = c.now().Add(seconds(answer.ExpiresIn, time.Minute, maxLifetime))
	return a, c.update(func(kept *record) { kept.AskedAt = c.now() })
}

// secretText is 256 random bits in base64url.
func secretText(random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	var raw [32]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("making a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// Complete takes the query parameters that the browser has brought to the redirect URI, and gives the connection, which
// is then in the key store as well.
//
// Errors: ErrRedirect when they are not the answer to this question, which leaves it open; ErrAccessDenied; *APIError
// for other refusals, after which the question is over.
func (a *Authorization) Complete(ctx context.Context, redirect url.Values) (*Connection, error) {
	if err := a.check(redirect); err != nil {
		return nil, err
	}
	if a.done.Swap(true) {
		return nil, fmt.Errorf("%w: it has been answered before", ErrRedirect)
	}
	c := a.connection
	if code := redirect.Get("error"); code != "" {
		failure := &APIError{Status: http.StatusForbidden, Code: plain(code), Message: plain(redirect.Get("error_description"))}
		return nil, c.settle(failure)
	}
	err := c.exchange(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": redirect["code"], "redirect_uri": {a.redirectURI}, "code_verifier": {a.verifier},
	})
	if errors.Is(err, errUnreachable) {
		a.done.Store(false) // the code is good for a while yet
	}
	return waited(c, err)
}

// check refuses answers of others: state says that it is to this question (RFC 6749 section 10.12), iss that it is
// this gateway's (RFC 9207 section 2.4).
func (a *Authorization) check(redirect url.Values) error {
	one := func(name string) (string, bool) { return redirect.Get(name), len(redirect[name]) == 1 }
	state, ok := one("state")
	if !ok || subtle.ConstantTimeCompare([]byte(state), []byte(a.state)) != 1 {
		return fmt.Errorf("%w: state is another", ErrRedirect)
	}
	if issuer, ok := one("iss"); !ok || issuer != a.connection.issuer {
		return fmt.Errorf("%w: iss is not %s", ErrRedirect, a.connection.issuer)
	}
	_, code := one("code")
	if _, failed := one("error"); code == failed {
		return fmt.Errorf("%w: it holds neither one code nor one error", ErrRedirect)
	}
	return nil
}
