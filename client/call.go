package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// call is one call of an OAuth endpoint.
type call struct {
	method, url string
	contentType string
	body        []byte
	code        string // a pairing code, sent as Authorization: DPoP; "" for none
	prove       bool   // with a DPoP proof
}

func formCall(url string, form url.Values) call {
	return call{
		method: http.MethodPost, url: url, prove: true,
		contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()),
	}
}

// maxAnswerBytes bounds an answer of an OAuth endpoint.
const maxAnswerBytes = 1 << 20

// call makes the call and reads the answer into answer, unless that is nil. A proof that is refused for its nonce or
// its date is made anew, once for each: nothing has been redeemed by then.
func (c *Connection) call(ctx context.Context, what call, answer any) error {
	tried := make(map[string]bool)
	for {
		response, data, err := c.send(ctx, what)
		if err != nil {
			return err
		}
		if response.StatusCode/100 == 2 {
			return readAnswer(response, data, answer)
		}
		failure := newAPIError(response, data)
		if !what.prove || tried[failure.Code] || !c.learn(ctx, response, failure.Code) {
			return failure
		}
		tried[failure.Code] = true
	}
}

func (c *Connection) send(ctx context.Context, what call) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, what.method, what.url, bytes.NewReader(what.body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/json")
	if what.contentType != "" {
		request.Header.Set("Content-Type", what.contentType)
	}
	if what.code != "" {
		request.Header.Set("Authorization", "DPoP "+what.code)
	}
	if what.prove {
		claims := dpop.Claims{
			Method: what.method, URL: what.url, AccessToken: what.code,
			BodyHash: dpop.BodyHash(sha256.Sum256(what.body)), Nonce: c.knownNonce(),
		}
		proof, err := c.key.Load().Sign(claims, c.now())
		if err != nil {
			return nil, nil, err
		}
		request.Header.Set("DPoP", proof)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err == nil && len(data) > maxAnswerBytes {
		err = errors.New("the answer is too long")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer of %s: %w", c.issuer, err)
	}
	c.keepNonce(response)
	return response, data, nil
}

func readAnswer(response *http.Response, data []byte, answer any) error {
	if answer == nil {
		return nil
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fmt.Errorf("the answer is %q, not JSON; is this a Keywicket gateway?", plain(kind))
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("the answer does not read: %w", err)
	}
	return nil
}

func (c *Connection) knownNonce() string {
	if nonce := c.nonce.Load(); nonce != nil {
		return *nonce
	}
	return ""
}

// keepNonce remembers the nonce for the next proof (RFC 9449 section 8.2).
func (c *Connection) keepNonce(response *http.Response) {
	if nonce := response.Header.Get("DPoP-Nonce"); nonce != "" {
		c.nonce.Store(&nonce)
	}
}

// Bounds on the correction of our clock by the gateway's Date: less is noise of the network and of whole seconds, more
// is no clock.
const (
	minSkew = 3 * time.Second
	maxSkew = 24 * time.Hour
)

// learn takes from a refusal what a new proof needs, and reports whether one may fare better.
//
// A proof may be refused because our clock is off; because a connection broke and net/http sent it twice; or because
// the gateway has just been started again and cannot know what it accepted earlier in this second. The next second's
// proof is a new one to all of them, so that is waited for when there is nothing else to learn.
func (c *Connection) learn(ctx context.Context, response *http.Response, code string) bool {
	switch code {
	case "use_dpop_nonce":
		return response.Header.Get("DPoP-Nonce") != ""
	case "invalid_dpop_proof":
		if c.setClock(response) {
			return true
		}
		now := c.now()
		return sleep(ctx, now.Truncate(time.Second).Add(time.Second).Sub(now)) == nil
	}
	return false
}

// setClock takes the gateway's time from its answer and reports whether that makes a difference.
func (c *Connection) setClock(response *http.Response) bool {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return false
	}
	skew := date.Sub(c.clock())
	switch {
	case skew.Abs() > maxSkew:
		return false
	case skew.Abs() < minSkew:
		skew = 0
	}
	before := time.Duration(c.skew.Swap(int64(skew)))
	return (skew - before).Abs() >= minSkew
}
