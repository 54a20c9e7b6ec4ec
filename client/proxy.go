package client

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ProxyConfig configures a Proxy.
type ProxyConfig struct {
	Connection   *Connection       // required
	Secret       string            // what local tools must show; at least 16 characters. Default 256 random bits
	Base         http.RoundTripper // as Transport.Base
	MaxBodyBytes int64             // as Transport.MaxBodyBytes
	Rand         io.Reader         // of the default Secret; default crypto/rand.Reader
}

// Proxy lets programs that cannot sign use the connection: it takes their requests on the loopback interface, checks
// its own secret, and sends them on to the gateway, signed. A tool is configured with a base URL below the proxy's
// address, such as http://127.0.0.1:4000/r/llm/openai/v1 (see BaseURL), and with the secret as its API key.
//
// It passes on nothing without the secret, nothing that does not come from this machine, nothing but the data plane
// (/r/ and /v1/), and no redirect. The secret is good on this machine only; it never travels on.
type Proxy struct {
	connection *Connection
	secret     string
	sum        [sha256.Size]byte
	forward    *httputil.ReverseProxy
}

const minSecretLength = 16

// NewProxy makes a Proxy.
func NewProxy(config ProxyConfig) (*Proxy, error) {
	if config.Connection == nil {
		return nil, errors.New("client.NewProxy: Connection is required")
	}
	if config.Secret == "" {
		secret, err := secretText(config.Rand)
		if err != nil {
			return nil, err
		}
		config.Secret = secret
	}
	if len(config.Secret) < minSecretLength {
		return nil, fmt.Errorf("client.NewProxy: Secret must have %d characters at least", minSecretLength)
	}
	gateway, err := url.Parse(config.Connection.issuer)
	if err != nil {
		return nil, err
	}
	return &Proxy{
		connection: config.Connection, secret: config.Secret, sum: sha256.Sum256([]byte(config.Secret)),
		forward: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = gateway.Scheme, gateway.Host, ""
				for _, name := range notForTheGateway {
					r.Out.Header.Del(name)
				}
			},
			Transport:      &Transport{Connection: config.Connection, Base: config.Base, MaxBodyBytes: config.MaxBodyBytes},
			FlushInterval:  -1, // each event of a stream as it comes
			ModifyResponse: noRedirect,
			ErrorHandler:   answerFailure,
		},
	}, nil
}

// notForTheGateway are headers that say who the local tool is, or what a browser knows.
var notForTheGateway = []string{"Cookie", "Origin", "Referer", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// Secret is what local tools must show, as API key or Bearer token.
func (p *Proxy) Secret() string { return p.secret }

// BaseURL is Connection.BaseURL with the proxy's address, such as 127.0.0.1:4000, in the place of the gateway's.
func (p *Proxy) BaseURL(address, resource string) string {
	base := p.connection.BaseURL(resource)
	if base == "" {
		return ""
	}
	return "http://" + address + strings.TrimPrefix(base, p.connection.issuer)
}

// Serve answers on a listener, which must be on the loopback interface, until ctx ends, and closes it.
func (p *Proxy) Serve(ctx context.Context, listener net.Listener) error {
	defer listener.Close()
	if !onLoopback(listener.Addr().String()) {
		return fmt.Errorf("client.Proxy: %s can be reached from elsewhere; listen on 127.0.0.1 or [::1]", listener.Addr())
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: callTimeout, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("client.Proxy: %w", err)
	}
	return nil
}

// ServeHTTP checks one request and sends it on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !onLoopback(r.RemoteAddr):
		fail(w, http.StatusForbidden, "not_local", "This proxy is for programs on its own machine.")
	case !localName(r.Host):
		// A name that a stranger's page resolves to this machine (DNS rebinding).
		fail(w, http.StatusForbidden, "not_local", "Address this proxy as 127.0.0.1, [::1] or localhost.")
	case !p.knows(r.Header):
		w.Header().Set("WWW-Authenticate", `Bearer realm="local proxy"`)
		fail(w, http.StatusUnauthorized, "invalid_local_secret", "Use the local proxy's secret as the API key.")
	case !onDataPlane(r.URL.EscapedPath()) || slices.ContainsFunc(strings.Split(r.URL.Path, "/"), isDots):
		fail(w, http.StatusNotFound, "unsupported_endpoint", "Only paths below /r/ and /v1/ are passed on.")
	default:
		p.forward.ServeHTTP(w, r)
	}
}

// onDataPlane says whether a path leads to providers.
func onDataPlane(path string) bool {
	return strings.HasPrefix(path, "/r/") || strings.HasPrefix(path, "/v1/")
}

// isDots says whether a path segment leads elsewhere.
func isDots(segment string) bool { return segment == "." || segment == ".." }

// knows looks for the secret where SDKs put their keys; it must be in one of those places, and right wherever it is.
func (p *Proxy) knows(header http.Header) bool {
	found := false
	for _, name := range foreignCredentials {
		for _, value := range header.Values(name) {
			if name == "Authorization" {
				scheme, token, _ := strings.Cut(value, " ")
				if !strings.EqualFold(scheme, "Bearer") {
					return false
				}
				value = token
			}
			sum := sha256.Sum256([]byte(value))
			if subtle.ConstantTimeCompare(sum[:], p.sum[:]) != 1 {
				return false
			}
			found = true
		}
	}
	return found
}

func onLoopback(address string) bool {
	parsed, err := netip.ParseAddrPort(address)
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}

func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

var errRedirected = errors.New("the gateway answered with a redirect, which is not passed on")

// noRedirect keeps tools from carrying their request, and the secret in it, elsewhere.
func noRedirect(response *http.Response) error {
	response.Header.Del("Set-Cookie")
	if response.StatusCode/100 == 3 && response.StatusCode != http.StatusNotModified {
		return errRedirected
	}
	return nil
}

func answerFailure(w http.ResponseWriter, _ *http.Request, err error) {
	status, code := http.StatusBadGateway, "gateway_unreachable"
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		status, code = http.StatusRequestEntityTooLarge, "body_too_large"
	case errors.Is(err, ErrSessionEnded), errors.Is(err, ErrNotPaired):
		status, code = http.StatusForbidden, "session_ended"
	case errors.Is(err, errRedirected):
		code = "redirected"
	}
	fail(w, status, code, plain(err.Error()))
}

// fail answers in the shape of OpenAI's errors, which most tools can show.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"error": map[string]any{"message": message, "type": "local_proxy_error", "code": code, "param": nil},
	})
}
