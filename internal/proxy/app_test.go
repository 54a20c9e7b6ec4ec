package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins"
)

// app is a paired app with its key and a current token.
type app struct {
	*bench
	id    string
	key   *dpop.Key
	token string
}

// anything is a document that allows all of the resource.
func anything() policy.Document { return policy.Document{Resource: resource} }

// pair makes an app that has been granted documents.
func (b *bench) pair(granted ...policy.Document) *app {
	b.Helper()
	key, err := dpop.GenerateKey(dpop.Ed25519, rand.Reader)
	b.must(err)
	a := &app{bench: b, key: key}
	made, err := b.pairing.CreateString(pairing.StringOptions{Preset: granted, Approve: true})
	b.must(err)
	_, code, _ := strings.Cut(strings.TrimPrefix(made.Value, "pair::"), "::")
	ctx := context.Background()
	registered, err := b.pairing.Redeem(ctx, pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Metadata: []byte(`{"client_name":"bench"}`),
	})
	b.must(err)
	a.id = registered.ClientID
	var scope []string
	for _, d := range granted {
		scope = append(scope, d.Resource)
	}
	asked, err := b.pairing.AskDevice(ctx, pairing.DeviceRequest{ClientID: a.id, Scope: strings.Join(scope, " "), DPoPJKT: key.Thumbprint()})
	b.must(err)
	a.token = a.exchange(pairing.TokenRequest{GrantType: pairing.GrantDeviceCode, DeviceCode: asked.DeviceCode})
	return a
}

func (a *app) exchange(r pairing.TokenRequest) string {
	a.Helper()
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: a.url + "/oauth/token"}, a.clock.now())
	a.must(err)
	r.ClientID, r.Proof.Headers = a.id, []string{proof}
	response, err := a.pairing.Token(context.Background(), r)
	a.must(err)
	return response.AccessToken
}

// prove signs a proof for a request, bound to its body.
func (a *app) prove(method, url string, body []byte) string {
	a.Helper()
	claims := dpop.Claims{Method: method, URL: url, AccessToken: a.token}
	if len(body) > 0 {
		claims.BodyHash = dpop.BodyHash(sha256.Sum256(body))
	}
	proof, err := a.key.Sign(claims, a.clock.now())
	a.must(err)
	return proof
}

// request is a signed request.
func (a *app) request(method, path, body string) *http.Request {
	a.Helper()
	r, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	a.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "DPoP "+a.token)
	r.Header.Set("DPoP", a.prove(method, a.url+path, []byte(body)))
	return r
}

// result is a finished answer.
type result struct {
	status int
	header http.Header
	body   []byte
	err    error // reading the body
}

func (r result) id() string { return r.header.Get("X-Request-Id") }

// code is the code of an error answer.
func (r result) code() string {
	var shape struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(r.body, &shape)
	return shape.Error.Code
}

// do sends a request and reads the whole answer.
func (b *bench) do(r *http.Request) result {
	b.Helper()
	res, err := b.client().Do(r)
	b.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return result{status: res.StatusCode, header: res.Header, body: body, err: err}
}

// client follows no redirect and decodes nothing.
func (b *bench) client() *http.Client {
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (a *app) post(body string) result {
	a.Helper()
	return a.do(a.request("POST", chatPath, body))
}

const (
	question = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"say it"}]}`
	streamed = `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"say it"}]}`
)

// open starts a streamed answer and returns it once its first event is there.
func (a *app) open(body string) *openStream {
	a.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a.Cleanup(cancel)
	res, err := a.client().Do(a.request("POST", chatPath, body).WithContext(ctx))
	a.must(err)
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		a.Fatalf("status %d: %s", res.StatusCode, text)
	}
	s := &openStream{app: a, id: res.Header.Get("X-Request-Id"), events: plugins.NewEventReader(res.Body, 0), hangUp: cancel}
	s.next()
	return s
}

type openStream struct {
	*app
	id     string
	events *plugins.EventReader
	hangUp context.CancelFunc
	seen   bytes.Buffer
}

func (s *openStream) next() []byte {
	s.Helper()
	raw, err := s.events.Next()
	s.must(err)
	s.seen.Write(raw)
	return bytes.Clone(raw)
}

// rest reads to the end and returns the last event and how the stream ended.
func (s *openStream) rest() (last []byte, err error) {
	for {
		raw, err := s.events.Next()
		if err != nil {
			return last, err
		}
		s.seen.Write(raw)
		last = bytes.Clone(raw)
	}
}

// codeOf is the code of an error event.
func codeOf(event []byte) string {
	return result{body: plugins.EventData(event)}.code()
}
