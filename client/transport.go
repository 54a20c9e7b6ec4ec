package client

import (
	"errors"
	"io"
	"net/http"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// Transport is an http.RoundTripper that signs requests to the gateway. Use one for as long as the connection.
//
// Each request gets the app's current token and a fresh proof over method, URL, token and body; whatever credentials
// an SDK has put on it are taken off. Requests to any other origin fail with ErrForeignOrigin before anything is sent,
// those of redirects included.
//
// A request is sent again only when the gateway has refused its token or its proof, once for each: then it has passed
// nothing on. All other answers and errors are the caller's. The body is read before the request is sent: into memory,
// or from GetBody when the request has one.
type Transport struct {
	Connection   *Connection       // required
	Base         http.RoundTripper // default the Transport of App.HTTPClient, or http.DefaultTransport
	MaxBodyBytes int64             // longer bodies fail with ErrBodyTooLarge; default 32 MiB
}

// defaultMaxBody is what a gateway accepts unless its owner has chosen otherwise.
const defaultMaxBody = 32 << 20

// RoundTrip signs and sends the request.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.Connection == nil {
		closeBody(request)
		return nil, errors.New("client.Transport: Connection is required")
	}
	if err := t.Connection.checkOrigin(request.URL); err != nil {
		closeBody(request)
		return nil, err
	}
	body, err := readBody(request, t.maxBody())
	if err != nil {
		return nil, err
	}
	return t.attempts(request, body)
}

// attempts sends the request, and again for each thing that a refusal can teach.
func (t *Transport) attempts(request *http.Request, body *replayBody) (*http.Response, error) {
	c := t.Connection
	token, err := c.token(request.Context())
	if err != nil {
		return nil, err
	}
	tried := make(map[string]bool)
	for {
		response, err := t.attempt(request, body, token)
		if err != nil {
			return nil, err
		}
		c.keepNonce(response)
		code := ""
		if response.StatusCode == http.StatusUnauthorized {
			code = challenge(response)
		}
		stale := code == "invalid_token"
		if tried[code] || !stale && !c.learn(request.Context(), response, code) {
			return response, nil
		}
		tried[code] = true
		discard(response)
		if !stale {
			continue
		}
		if token, err = c.renew(request.Context(), token); err != nil {
			return nil, err
		}
	}
}

// foreignCredentials are the headers in which SDKs carry the keys they insist on. Nothing of the kind belongs to the
// gateway, and what an SDK was given by mistake should not travel.
var foreignCredentials = []string{"Authorization", "Proxy-Authorization", "DPoP", "X-Api-Key", "X-Goog-Api-Key", "Api-Key"}

func (t *Transport) attempt(request *http.Request, body *replayBody, token string) (*http.Response, error) {
	c := t.Connection
	signed := request.Clone(request.Context())
	if err := body.attach(signed); err != nil {
		return nil, err
	}
	proof, err := c.key.Load().Sign(dpop.Claims{
		Method: method(request), URL: c.issuer + request.URL.EscapedPath(), AccessToken: token,
		BodyHash: dpop.BodyHash(body.sum), Nonce: c.knownNonce(),
	}, c.now())
	if err != nil {
		return nil, err
	}
	if signed.Header == nil {
		signed.Header = make(http.Header)
	}
	for _, name := range foreignCredentials {
		signed.Header.Del(name)
	}
	signed.Header.Set("Authorization", "DPoP "+token)
	signed.Header.Set("DPoP", proof)
	signed.Host = "" // another Host would be another site on the same address
	response, err := t.base().RoundTrip(signed)
	if response != nil {
		response.Request = request // which callers print; the signed one holds the token
	}
	return response, err
}

// method is the method as it goes on the wire.
func method(request *http.Request) string {
	if request.Method == "" {
		return http.MethodGet
	}
	return request.Method
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return t.Connection.base
}

func (t *Transport) maxBody() int64 {
	if t.MaxBodyBytes > 0 {
		return t.MaxBodyBytes
	}
	return defaultMaxBody
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}

// discard reads the rest of a short answer, so that its network connection can be used again.
func discard(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, maxErrorBody)
	_ = response.Body.Close()
}
