package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/vault"
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
	dir         string
	clock       *clock
	audit       *audit.Log
	replay      *dpop.Replay
	vault       *vault.Vault
	pairing     *pairing.Pairing
	ledger      *policy.Ledger
	prices      *price.Table
	book        *providers.Book
	proxy       *Proxy
	url         string // of the gateway
	fake        *openaifake.Server
	upstreams   atomic.Int64 // requests a handler in the fake's place has seen
	keyID       string
	upstreamURL string // of what is behind it
}

// noon is when a bench begins: far from the end of an hour, a day or a month,
// whenever the tests are run.
var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// clock runs as fast as the machine's, from noon or wherever a test puts it, or
// stands still.
type clock struct {
	began   time.Time // by the machine's
	ahead   atomic.Int64
	stopped atomic.Pointer[time.Duration] // after so long
}

func (c *clock) now() time.Time {
	passed := time.Since(c.began)
	if at := c.stopped.Load(); at != nil {
		passed = *at
	}
	return noon.Add(passed + time.Duration(c.ahead.Load()))
}

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// stop makes time pass only by advance, for a test whose result would depend on
// how fast the machine is.
func (c *clock) stop() {
	passed := time.Since(c.began)
	c.stopped.Store(&passed)
}

// setting changes a bench before it opens.
type setting func(*options)

type options struct {
	proxy      Config
	upstream   http.Handler
	baseURL    string
	noKey      bool
	publicOnly bool // the owner has not agreed to private addresses
	replay     int
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
	b := &bench{T: t, dir: t.TempDir(), clock: &clock{began: time.Now()}}
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	o.baseURL = b.openUpstream(o)
	b.upstreamURL = o.baseURL
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
			data, _ := io.ReadAll(r.Body) // only then does the server notice a caller that leaves
			r.Body = io.NopCloser(bytes.NewReader(data))
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
	b.replay = replay
	b.Cleanup(func() { b.must(replay.Close()) })
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: b.clock.now, Replay: replay})
	b.must(err)
	b.pairing, err = pairing.New(pairing.Config{
		Store: st, Audit: b.audit, Issuer: b.url, Verifier: verifier, Clock: b.clock.now,
		Resources: func() []pairing.Resource {
			return []pairing.Resource{
				{ID: resource, Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}},
				{ID: "llm:gemini", Title: "Gemini", Actions: []string{"generate_content", "stream_generate_content"}},
				{ID: "llm:other", Title: "Another", Actions: []string{"models.list"}},
				{ID: "llm:groq", Title: "Groq", Actions: []string{"chat.completions", "audio.transcriptions", "models.list"}},
				{ID: "llm:anthropic", Title: "Anthropic", Actions: []string{"messages", "chat.completions"}},
				{ID: "llm:ollama", Title: "Ollama", Actions: []string{"chat.completions", "models.list"}},
				{ID: "mail:resend", Title: "Resend", Actions: []string{"emails.send", "emails.get"}},
			}
		},
	})
	b.must(err)
	b.ledger, err = policy.NewLedger(policy.LedgerConfig{Store: st, Clock: b.clock.now, Zone: time.UTC})
	b.must(err)
	b.Cleanup(func() { b.must(b.ledger.Close()) })
	b.prices, err = price.Open(price.Config{Store: st, Clock: b.clock.now})
	b.must(err)
	b.openVault(st, o)
	b.openProxy(st, o)
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
		Resource: resource, Label: "test", BaseURL: o.baseURL, Secret: vault.NewSecret([]byte(canary)), AllowPrivate: !o.publicOnly,
	})
	b.must(err)
	b.keyID = key.ID
}

func (b *bench) openProxy(st *store.Store, o options) {
	b.Helper()
	embedded, err := all.Providers()
	b.must(err)
	b.book, err = providers.Open(providers.Config{Store: st, Embedded: embedded, Build: all.Provider, Clock: b.clock.now})
	b.must(err)
	c := o.proxy
	c.Pairing, c.Ledger, c.Vault, c.Audit, c.Providers, c.Clock = b.pairing, b.ledger, b.vault, b.audit, b.book, b.clock.now
	c.Prices, c.Zone = b.prices, time.UTC
	if c.PublicURL == "" {
		c.PublicURL = b.url
	}
	if c.Timeouts.Cut == 0 {
		c.Timeouts.Cut = time.Minute // a slow machine has the last event go out, too
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

// eventually waits for a state that another goroutine brings about, for a minute.
func (b *bench) eventually(what string, holds func() bool) {
	b.Helper()
	for range 12_000 {
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
