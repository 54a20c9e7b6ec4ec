package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// countedConn counts what it takes to send a request.
type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// A usual question goes to the provider in one write, head and body, and cannot
// be sent again by the transport itself.
func TestQuestionGoesOutInOneWrite(t *testing.T) {
	t.Parallel()
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole, _ := io.ReadAll(r.Body)
		_, _ = w.Write(whole)
	}))
	defer provider.Close()
	var writes atomic.Int64
	way := newTransport(Timeouts{}.withDefaults(), &net.Dialer{})
	dial := way.DialContext
	way.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return countedConn{conn, &writes}, err
	}
	defer way.CloseIdleConnections()
	at, err := url.Parse(provider.URL)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("q"), 1000)
	up := &upstream{method: http.MethodPost, url: at, header: http.Header{"Authorization": {"Bearer " + canary}}, call: plugins.Call{Body: body}}
	for range 3 {
		writes.Store(0)
		out := up.request(t.Context())
		res, err := way.RoundTrip(out)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !bytes.Equal(got, body) || writes.Load() != 1 || out.GetBody != nil {
			t.Errorf("%d of %d bytes in %d writes, to be read twice: %t", len(got), len(body), writes.Load(), out.GetBody != nil)
		}
	}
}

// A body that the transport reads on when its exchange is over takes no memory
// that counts.
func TestLargeBodyEndsWithItsExchange(t *testing.T) {
	t.Parallel()
	up := &upstream{method: http.MethodPost, url: &url.URL{Scheme: "http", Host: "provider"}, call: plugins.Call{Body: make([]byte, heldBody+1)}}
	out := up.request(t.Context())
	if err := out.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Body.Read(make([]byte, 1)); n != 0 || err != io.ErrClosedPipe {
		t.Errorf("a closed body: %d bytes, error %v", n, err)
	}
}

// BenchmarkSend is one request to a provider at the other end of a connection
// that is kept.
func BenchmarkSend(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	body := bytes.Repeat([]byte("q"), 300)
	go answerAll(l, body[:2])
	ways := newTransports(Timeouts{}.withDefaults())
	defer ways.closeIdle()
	at := &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/v1/chat/completions"}
	header := http.Header{"Authorization": {"Bearer " + canary}, "Content-Type": {"application/json"}, "Accept-Encoding": {"identity"}, "User-Agent": {userAgent}}
	up := &upstream{method: http.MethodPost, url: at, header: header, call: plugins.Call{Body: body}, private: true}
	p := &Proxy{transport: ways, cfg: Config{Clock: time.Now}, keys: newKeyring(time.Now, nil)}
	b.ReportAllocs()
	for b.Loop() {
		x := &exchange{p: p, request: &http.Request{}}
		x.ctx, x.stop = context.WithCancelCause(context.Background())
		x.begin(&try{upstream: *up})
		t := x.send()
		if t.err != nil {
			b.Fatal(t.err)
		}
		_, _ = io.Copy(io.Discard, t.res.Body)
		x.leave(t)
		x.stop(nil)
	}
}

// answerAll answers each request, which must end with two of its end's bytes,
// without reading it.
func answerAll(l net.Listener, end []byte) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 8<<10)
			for {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				if !bytes.HasSuffix(buf[:n], end) {
					continue
				}
				if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
					return
				}
			}
		}()
	}
}

// A key that was stored when any name was taken: what the gateway, or the
// connection, says itself is not the key's to say.
func TestReservedHeadersOfAnOldKeyAreLeftOut(t *testing.T) {
	t.Parallel()
	m := plugins.Manifest{
		ID: "llm:openai", BaseURL: "https://api.openai.com/v1", Credential: plugins.Credential{Header: "Authorization", Prefix: "Bearer "},
	}
	old := vault.Credential{Resource: m.ID, Home: m.BaseURL, Headers: map[string]string{
		"Openai-Organization": "org-1", "Authorization": "Bearer-other", "Host": "evil.example", "Connection": "close",
		"Transfer-Encoding": "chunked", "Content-Length": "1", "Cookie": "a=b", "content-type": "a/b",
	}}
	up, err := newUpstream(m, old, vault.NewSecret([]byte("sk-1")), plugins.Call{Method: "POST", Path: "/chat/completions"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Openai-Organization": "org-1", "Authorization": "Bearer sk-1", "Accept-Encoding": "identity", "User-Agent": userAgent}
	for name, values := range up.header {
		if len(values) != 1 || values[0] != want[name] {
			t.Errorf("%s is %q", name, values)
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
}
