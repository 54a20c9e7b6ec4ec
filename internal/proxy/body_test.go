package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// sendHalf announces a body and sends half of it.
func sendHalf(a *app, authorization string) net.Conn {
	a.Helper()
	conn, err := net.Dial("tcp", a.url[len("http://"):])
	a.must(err)
	a.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nAuthorization: %s\r\nDPoP: %s\r\n\r\n%s",
		chatPath, len(question), authorization, a.prove("POST", a.url+chatPath, nil), question[:20])
	return conn
}

// A client that never finishes its body holds neither a request nor, after a
// refusal, its connection.
func TestUnfinishedBody(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		authorization func(*app) string
		status        int
	}{
		"known":    {func(a *app) string { return "DPoP " + a.token }, 400},
		"stranger": {func(*app) string { return "DPoP x" }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(func(c *Config) { c.Timeouts.Body = 50 * time.Millisecond }))
			a := b.pair(anything())
			conn := sendHalf(a, row.authorization(a))
			r := bufio.NewReader(conn)
			res, err := http.ReadResponse(r, nil)
			b.must(err)
			body, err := io.ReadAll(res.Body)
			b.must(err)
			if res.StatusCode != row.status || b.reached() != 0 {
				t.Errorf("%d %s; the provider saw %d", res.StatusCode, body, b.reached())
			}
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("the connection stayed open: %v", err)
			}
		})
	}
}

// All bodies together are bounded, and each gives its share back.
func TestBodyMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t, with(func(c *Config) { c.MaxBodyBytes, c.MaxBodyMemory = 100, 100 }))
	a := b.pair(anything())
	conn := sendHalf(a, "DPoP "+a.token)
	b.eventually("a first body is being read", func() bool { return !b.proxy.memory.TryAcquire(100) || release(b) })
	if got := a.do(unbound(a, question)); got.status != 429 || got.code() != "concurrency_limited" || got.header.Get("Retry-After") == "" {
		t.Errorf("second: %d %s", got.status, got.body)
	}
	fmt.Fprint(conn, question[20:])
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	b.must(err)
	if res.StatusCode != http.StatusOK {
		t.Errorf("first: %d", res.StatusCode)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	b.eventually("the memory is free again", func() bool { return b.proxy.memory.TryAcquire(100) })
}

// release undoes a claim that was only a question.
func release(b *bench) bool {
	b.proxy.memory.Release(100)
	return false
}

// unbound is a request whose proof does not cover its body.
func unbound(a *app, body string) *http.Request {
	a.Helper()
	r := a.request("POST", chatPath, body)
	r.Header.Set("DPoP", a.prove("POST", a.url+chatPath, nil))
	return r
}

func TestNewWantsItsRooms(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "required") {
		t.Errorf("New without rooms: %v", err)
	}
	b := newBench(t)
	c := b.proxy.cfg
	c.PublicURL += "/"
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "PublicURL") {
		t.Errorf("New with a slash: %v", err)
	}
}

// The origin that proofs are made for is the configured one, wherever the
// request came in.
func TestPublicOrigin(t *testing.T) {
	t.Parallel()
	b := newBench(t, with(func(c *Config) { c.PublicURL = "https://keys.example" }))
	a := b.pair(anything())
	r := a.request("POST", chatPath, question)
	if got := b.do(r); got.status != 401 || got.code() != "invalid_dpop_proof" {
		t.Errorf("proof for the local address: %d %s", got.status, got.body)
	}
	r = a.request("POST", chatPath, question)
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: "https://keys.example" + chatPath, AccessToken: a.token}, a.clock.now())
	b.must(err)
	r.Header.Set("DPoP", proof)
	if got := b.do(r); got.status != 200 {
		t.Errorf("proof for the public origin: %d %s", got.status, got.body)
	}
}
