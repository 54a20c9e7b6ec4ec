package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// tap is a RoundTripper that remembers the last request to a provider's
// resource as it went over the wire: everything a thief could have seen.
type tap struct {
	next http.RoundTripper

	mu      sync.Mutex
	request *http.Request
	body    []byte
}

// RoundTrip implements http.RoundTripper.
func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/r/") && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		t.mu.Lock()
		t.request, t.body = r, body
		t.mu.Unlock()
	}
	return t.next.RoundTrip(r)
}

// seen is the request seen last; nil before the first.
func (t *tap) seen() (*http.Request, []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.request, t.body
}

// again sends the request seen last once more, with its header changed by
// change, and returns the status and code of the answer.
func (t *tap) again(ctx context.Context, change func(http.Header)) (status int, code string, err error) {
	seen, body := t.seen()
	if seen == nil {
		return 0, "", errors.New("the app has sent nothing yet")
	}
	request, err := http.NewRequestWithContext(ctx, seen.Method, seen.URL.String(), bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header = seen.Header.Clone()
	change(request.Header)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	return response.StatusCode, errorCode(response.Body), nil
}

// errorCode reads the code from OpenAI's error body; empty when there is none.
func errorCode(body io.Reader) string {
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.UnmarshalRead(io.LimitReader(body, maxDocument), &answer) != nil {
		return ""
	}
	return answer.Error.Code
}

// asBearer turns the app's credentials into a plain bearer token, without the
// proof that only the app's key can make.
func asBearer(header http.Header) {
	_, token, _ := strings.Cut(header.Get("Authorization"), " ")
	header.Set("Authorization", "Bearer "+token)
	header.Del("DPoP")
}

// asSent leaves the header as the app sent it.
func asSent(http.Header) {}
