package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crypto/rand"
	"crypto/sha256"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

const (
	resource = "llm:openai"
	chatPath = "/r/llm/openai/v1/chat/completions"
	canary   = "sk-canary-4f1d0c0ffee0ddba11"
)

// bench is a gateway's data plane with real rooms below it, a real HTTP server
// around it and a provider behind it.
type bench struct {
	*testing.T
	dir       string
	clock     *clock
	audit     *audit.Log
	vault     *vault.Vault
	pairing   *pairing.Pairing
	ledger    *policy.Ledger
	proxy     *Proxy
	url       string // of the gateway
	fake      *openaifake.Server
	upstreams atomic.Int64 // requests a handler in the fake's place has seen
	keyID     string
}

// clock runs with the machine's, from wherever a test puts it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// setting changes a bench before it opens.
type setting func(*options)

type options struct {
	proxy    Config
	upstream http.Handler
	baseURL  string
	noKey    bool
	replay   int
}

func with(change func(*Config)) setting { return func(o *options) { change(&o.proxy) } }

// behind puts a handler in the fake's place.
func behind(h http.HandlerFunc) setting { return func(o *options) { o.upstream = h } }

func newBench(t *testing.T, settings ...setting) *bench {
	t.Helper()
	var o options
	for _, set := range settings {
		set(&o)
	}
	b := &bench{T: t, dir: t.TempDir(), clock: &clock{}}
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	o.baseURL = b.openUpstream(o)
	b.openRooms(o)
	server.Config.Handler = b.proxy
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() { // whatever a test left running must not outlive it
		done, cancel := context.WithCancel(context.Background())
		cancel()
		_ = b.proxy.Drain(done)
	})
	return b
}

func (b *bench) openUpstream(o options) string {
	b.Helper()
	if o.baseURL != "" {
		return o.baseURL
	}
	if o.upstream != nil {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.upstreams.Add(1)
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice a caller that leaves
			o.upstream.ServeHTTP(w, r)
		}))
		b.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL + "/v1"
	}
	fake, err := openaifake.Start(openaifake.Config{Key: canary})
	b.must(err)
	b.Cleanup(func() { b.must(fake.Close()) })
	b.fake = fake
	return fake.BaseURL()
}

func (b *bench) openRooms(o options) {
	b.Helper()
	st, err := store.Open(store.Config{Dir: b.dir})
	b.must(err)
	b.Cleanup(func() { b.must(st.Close()) })
	b.audit, err = audit.New(audit.Config{Dir: b.dir, Key: st.Derive("audit chain"), Clock: b.clock.now})
	b.must(err)
	b.Cleanup(func() { b.must(b.audit.Close()) })
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: b.dir, Clock: b.clock.now, MaxEntries: o.replay})
	b.must(err)
	b.Cleanup(func() { b.must(replay.Close()) })
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: b.clock.now, Replay: replay})
	b.must(err)
	b.pairing, err = pairing.New(pairing.Config{
		Store: st, Audit: b.audit, Issuer: b.url, Verifier: verifier, Clock: b.clock.now,
		Resources: []pairing.Resource{
			{ID: resource, Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}},
			{ID: "llm:other", Title: "Another", Actions: []string{"models.list"}},
		},
	})
	b.must(err)
	b.ledger, err = policy.NewLedger(policy.LedgerConfig{Store: st, Clock: b.clock.now, Zone: time.UTC})
	b.must(err)
	b.Cleanup(func() { b.must(b.ledger.Close()) })
	b.openVault(st, o)
	b.openProxy(o)
}

func (b *bench) openVault(st *store.Store, o options) {
	b.Helper()
	var err error
	b.vault, err = vault.New(vault.Config{Store: st, Clock: b.clock.now, Argon2: vault.Argon2Params{MemoryKiB: 8, Passes: 1, Threads: 1}})
	b.must(err)
	b.must(b.vault.Init([]byte("a passphrase of the owner's")))
	if o.noKey {
		return
	}
	key, err := b.vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: "test", BaseURL: o.baseURL, Secret: vault.NewSecret([]byte(canary)),
	})
	b.must(err)
	b.keyID = key.ID
}

func (b *bench) openProxy(o options) {
	b.Helper()
	providers, err := all.Providers()
	b.must(err)
	registry, err := plugins.NewRegistry(providers)
	b.must(err)
	c := o.proxy
	c.Pairing, c.Ledger, c.Vault, c.Audit, c.Providers, c.Clock = b.pairing, b.ledger, b.vault, b.audit, registry, b.clock.now
	if c.PublicURL == "" {
		c.PublicURL = b.url
	}
	b.proxy, err = New(c)
	b.must(err)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// reached is how many requests the provider has seen.
func (b *bench) reached() int {
	if b.fake != nil {
		return b.fake.Count()
	}
	return int(b.upstreams.Load())
}

// eventually waits for a state that another goroutine brings about.
func (b *bench) eventually(what string, holds func() bool) {
	b.Helper()
	for range 2000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatalf("never came true: %s", what)
}

func (b *bench) events() []audit.Event {
	b.Helper()
	events, err := b.audit.Tail(10_000)
	b.must(err)
	return events
}

// recorded returns the audit lines of a kind about a request.
func (b *bench) recorded(kind audit.Kind, requestID string) []audit.Event {
	b.Helper()
	var found []audit.Event
	for _, e := range b.events() {
		if e.Kind == kind && e.RequestID == requestID {
			found = append(found, e)
		}
	}
	return found
}

// app is a paired app with its key and a current token.
type app struct {
	*bench
	id    string
	key   *dpop.Key
	token string
}

// anything is a document that allows all of the resource.
func anything() policy.Document { return policy.Document{Resource: resource} }

// pair makes an app that has been granted a document.
func (b *bench) pair(granted policy.Document) *app {
	b.Helper()
	key, err := dpop.GenerateKey(dpop.Ed25519, rand.Reader)
	b.must(err)
	a := &app{bench: b, key: key}
	made, err := b.pairing.CreateString(pairing.StringOptions{Preset: []policy.Document{granted}, Approve: true})
	b.must(err)
	_, code, _ := strings.Cut(strings.TrimPrefix(made.Value, "pair::"), "::")
	ctx := context.Background()
	registered, err := b.pairing.Redeem(ctx, pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Metadata: []byte(`{"client_name":"bench"}`),
	})
	b.must(err)
	a.id = registered.ClientID
	asked, err := b.pairing.AskDevice(ctx, pairing.DeviceRequest{ClientID: a.id, Scope: granted.Resource, DPoPJKT: key.Thumbprint()})
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
