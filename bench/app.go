package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// app is one app with its key and its session. In each gateway it has another
// access token.
type app struct {
	id      string
	key     *dpop.Key
	refresh string
}

// fleet is the apps of one gateway and the tokens they have there.
type fleet struct {
	address string
	apps    []*app
	tokens  []string
	renewed time.Time
	next    int // whose turn it is
}

// tokenLife is how long tokens are used before they are renewed, which is less
// than they are good for.
const tokenLife = 3 * time.Minute

// atOnce is how many apps renew their tokens, or come for the first time, at a
// time: those that come together wait for the disk together.
const atOnce = 256

// renew gets every app a new access token, if it is time.
func (f *fleet) renew(ctx context.Context) error {
	if time.Since(f.renewed) < tokenLife {
		return nil
	}
	f.tokens = make([]string, len(f.apps))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, a := range f.apps {
		group.Go(func() (err error) {
			f.tokens[i], err = a.renew(ctx, client, f.address)
			return err
		})
	}
	f.renewed = time.Now()
	return group.Wait()
}

func (a *app) renew(ctx context.Context, client *http.Client, address string) (string, error) {
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: origin + "/oauth/token"}, time.Now())
	if err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}, "client_id": {a.id}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("DPoP", proof)
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(raw, &tokens); err != nil || tokens.AccessToken == "" {
		return "", errors.Join(err, fmt.Errorf("renewing a token: %s %.300s", answer.Status, raw))
	}
	return tokens.AccessToken, nil
}

// call is what an app asks; the sides get the same bytes but for credentials
// and path.
func call(stream bool, word string) []byte {
	body := `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant. Answer in one short sentence."},` +
		`{"role":"user","content":"` + word + `: where should I keep my keys?"}],"max_tokens":256,"temperature":0.2`
	if stream {
		body += `,"stream":true,"stream_options":{"include_usage":true}`
	}
	return []byte(body + "}")
}

// sign makes n whole requests, of the apps in turn, on all cores.
func (f *fleet) sign(n int, body []byte) ([][]byte, error) {
	const path = "/r/llm/openai/v1/chat/completions"
	requests, first, now := make([][]byte, n), f.next, time.Now()
	f.next = (f.next + n) % len(f.apps)
	hash := dpop.BodyHash(sha256.Sum256(body))
	var group errgroup.Group
	group.SetLimit(4)
	const share = 256
	for from := 0; from < n; from += share {
		group.Go(func() error {
			for i := from; i < min(from+share, n); i++ {
				who := (first + i) % len(f.apps)
				proof, err := f.apps[who].key.Sign(dpop.Claims{Method: "POST", URL: origin + path, AccessToken: f.tokens[who], BodyHash: hash}, now)
				if err != nil {
					return err
				}
				requests[i] = spell(path, "Authorization: DPoP "+f.tokens[who]+"\r\nDPoP: "+proof, body)
			}
			return nil
		})
	}
	return requests, group.Wait()
}

// spell writes a request as an SDK does.
func spell(path, credentials string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: OpenAI/Go 3.0.0\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n%s\r\n\r\n", path, len(body), credentials)
	b.Write(body)
	return b.Bytes()
}
