package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// Connection is an app's connection with one gateway: its key, its session, its current token. It is safe for
// concurrent use.
type Connection struct {
	issuer    string
	key       atomic.Pointer[dpop.Key]
	keys      KeyStore
	http      *http.Client      // for the OAuth endpoints; follows no redirects
	base      http.RoundTripper // for everything else
	clock     func() time.Time
	onPending func(Pending)

	endpoints atomic.Pointer[endpoints]
	nonce     atomic.Pointer[string] // the server's latest (RFC 9449 section 8)
	skew      atomic.Int64           // nanoseconds the gateway's clock is ahead of ours
	renewals  singleflight.Group
	rotating  sync.Mutex // held for the whole of a change of keys

	mu     sync.Mutex
	kept   record
	access accessToken
	ended  error // set once the session is known to be over
}

// callTimeout bounds one call of an OAuth endpoint.
const callTimeout = 30 * time.Second

func newConnection(issuer string, app App) (*Connection, error) {
	if app.Alg == "" {
		app.Alg = dpop.ES256
	}
	key, err := dpop.GenerateKey(app.Alg, app.Rand)
	if err != nil {
		return nil, fmt.Errorf("making the app's key: %w", err)
	}
	private, err := key.MarshalJWK()
	if err != nil {
		return nil, fmt.Errorf("making the app's key: %w", err)
	}
	return buildConnection(record{Issuer: issuer, Key: private, Asked: app.Ask}, key, app), nil
}

func resumeConnection(kept record, app App) (*Connection, error) {
	key, err := dpop.ParseKey(kept.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: the app's key: %w", ErrKeyStore, err)
	}
	return buildConnection(kept, key, app), nil
}

func buildConnection(kept record, key *dpop.Key, app App) *Connection {
	c := &Connection{
		issuer: kept.Issuer, keys: app.Keys, base: http.DefaultTransport,
		clock: app.Clock, onPending: app.OnPending, kept: kept,
	}
	c.key.Store(key)
	if c.keys == nil {
		c.keys = MemoryKeyStore()
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	calls := http.Client{Timeout: callTimeout}
	if app.HTTPClient != nil {
		calls = *app.HTTPClient
		if calls.Transport != nil {
			c.base = calls.Transport
		}
	}
	// A redirect would carry a code or a refresh token to where nobody has checked it may go.
	calls.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	calls.Jar = nil
	c.http = &calls
	return c
}

// Issuer is the gateway's origin, such as https://keys.example.com.
func (c *Connection) Issuer() string { return c.issuer }

// ClientID is the app's id at the gateway.
func (c *Connection) ClientID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.ClientID
}

// Fingerprint is the app's key for people; the owner sees the same.
func (c *Connection) Fingerprint() string { return dpop.Fingerprint(c.key.Load().Thumbprint()) }

// Granted is what the owner has granted, as of the last renewal of the token. It may be less than was asked, and the
// owner may change it at any time: an app asks what it needs and lives with what it gets.
func (c *Connection) Granted() []Permission {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Permission(nil), c.kept.Granted...)
}

// BaseURL is what to give to the official SDK of a resource such as llm:openai as its base URL. SDKs differ in whether
// they add the API's version themselves; resend-go wants a slash behind it. For a resource that is not of the form
// type:provider it is "".
//
// Issuer() + "/v1" is the address of all providers at once for OpenAI's SDKs, and Issuer() for Anthropic's: the model
// is then provider/model or an alias.
func (c *Connection) BaseURL(resource string) string {
	kind, provider, ok := strings.Cut(resource, ":")
	if !ok || kind == "" || provider == "" {
		return ""
	}
	base := c.issuer + "/r/" + url.PathEscape(kind) + "/" + url.PathEscape(provider)
	if kind == "llm" && provider != "anthropic" && provider != "gemini" {
		return base + "/v1"
	}
	return base
}

// HTTPClient is an http.Client that signs: &http.Client{Transport: &Transport{Connection: c}}. It has no timeout, since
// streams take their time; use contexts.
func (c *Connection) HTTPClient() *http.Client {
	return &http.Client{Transport: &Transport{Connection: c}}
}

// Revoke ends the session at the gateway and then forgets it here. When the gateway cannot be reached nothing is
// forgotten, so that it can be tried again.
func (c *Connection) Revoke(ctx context.Context) error {
	c.mu.Lock()
	token, id := c.kept.RefreshToken, c.kept.ClientID
	c.mu.Unlock()
	if token != "" {
		e, err := c.discover(ctx)
		if err != nil {
			return fmt.Errorf("revoking: %w", err)
		}
		if e.Revocation == "" {
			return errors.New("revoking: the gateway has no revocation endpoint; ask the owner to revoke the app")
		}
		form := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}, "client_id": {id}}
		if err := c.call(ctx, formCall(e.Revocation, form), nil); err != nil {
			return fmt.Errorf("revoking: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.access = ErrSessionEnded, accessToken{}
	c.kept.RefreshToken = ""
	return c.keys.Delete()
}

// String names gateway and app, and shows nothing secret.
func (c *Connection) String() string {
	return "client.Connection(" + c.ClientID() + " at " + c.issuer + ")"
}

// GoString is as String.
func (c *Connection) GoString() string { return c.String() }

// LogValue is as String.
func (c *Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// now is the gateway's time as far as it is known.
func (c *Connection) now() time.Time { return c.clock().Add(time.Duration(c.skew.Load())) }
