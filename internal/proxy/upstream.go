package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

const userAgent = "keywicket"

// upstream is the request a provider gets. All of it comes from the manifest,
// the owner's credential and the dialect's allowlists.
type upstream struct {
	method string
	url    *url.URL
	header http.Header  // with the credential
	call   plugins.Call // whose body is sent
	upload io.ReaderAt  // that the body is made from; nil when it is held

	private bool // it may be at an address that is not public: the owner has agreed
}

// newUpstream puts a call at its address and the credential on it. Errors:
// plugins.ErrSecret, or a base URL that does not parse.
func newUpstream(m plugins.Manifest, c vault.Credential, secret vault.Secret, call plugins.Call) (upstream, error) {
	target, err := target(m, c, call.Path)
	if err != nil {
		return upstream{}, err
	}
	target.RawQuery = call.RawQuery
	header := maps.Clone(call.Header) // whose values are replaced, and never changed
	if header == nil {
		header = http.Header{}
	}
	if encoding := header["Accept-Encoding"]; len(encoding) != 1 || encoding[0] != "identity" {
		header.Set("Accept-Encoding", "identity")
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	for name, value := range c.Headers {
		if vault.Reserved(textproto.CanonicalMIMEHeaderKey(name)) == "" { // older records may have one
			header.Set(name, value)
		}
	}
	if err := plugins.Authorize(header, m, secret.Bytes()); err != nil {
		return upstream{}, err
	}
	return upstream{
		method: call.Method, url: target, header: header, call: call, private: m.AllowPrivate || c.AllowPrivate,
	}, nil
}

// errKeyMoved is a key whose provider is elsewhere than when it was stored.
var errKeyMoved = fmt.Errorf("%w; the provider's address is another than when it was stored", plugins.ErrSecret)

// target is the credential's base URL, or the manifest's when it has none, and
// the path of an action. Error: errKeyMoved when the manifest's is not the one
// that the key was given for.
func target(m plugins.Manifest, c vault.Credential, path string) (*url.URL, error) {
	base := c.BaseURL
	if base == "" {
		base = m.BaseURL
		if c.Home != base && !m.Credential.None {
			return nil, errKeyMoved
		}
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/") + m.Below + path)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("base URL of %s cannot be used", m.ID)
	}
	return u, nil
}

// atHome says that a request with a credential goes to the provider itself, at
// the manifest's address or a host below it (eu.api.openai.com), and not to
// another server that speaks its language, more or less.
func (u *upstream) atHome(m plugins.Manifest, c vault.Credential) bool {
	if c.BaseURL == "" || c.BaseURL == m.BaseURL {
		return true
	}
	home, err := url.Parse(m.BaseURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.url.Hostname())
	below, is := strings.CutSuffix(host, home.Hostname())
	return is && (below == "" || strings.HasSuffix(below, "."))
}

// heldBody is up to how many bytes of a body the transport may still read when
// its exchange is over and their memory counted as free: they stay as they are
// until it lets go of them.
const heldBody = 64 << 10

// sending is a body on its way. net/http writes one together with the head when
// it knows by its type that it is in memory.
func sending(body io.Reader, size int64) io.ReadCloser {
	if held, ok := body.(*bytes.Reader); ok && size <= heldBody {
		return io.NopCloser(held)
	}
	return &outgoing{from: body}
}

// outgoing is a body that is large, or an upload. When it is closed nothing
// reads on: the transport may still do so when a request has failed.
type outgoing struct {
	mu   sync.Mutex
	from io.Reader // nil when closed
}

// Read implements io.Reader.
func (o *outgoing) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from == nil {
		return 0, io.ErrClosedPipe
	}
	return o.from.Read(p)
}

// Close implements io.Closer.
func (o *outgoing) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from = nil
	return nil
}

// request is the upstream request as it is sent: nothing of the client's is in
// it. Its body cannot be read twice: net/http sends a request with an
// Idempotency-Key, which clients choose, again by itself when a connection
// closes, and no limit would have counted that one.
func (u *upstream) request(ctx context.Context) *http.Request {
	body, size := u.call.OpenBody(u.upload)
	out := &http.Request{
		Method: u.method, URL: u.url, Host: u.url.Host, Header: u.header, ContentLength: size,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if size > 0 {
		out.Body = sending(body, size)
	}
	return out.WithContext(ctx)
}
