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
	b.eventually("a first body is being read", func() bool { return b.proxy.memory.held() > 0 })
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
	b.eventually("the memory is free again", func() bool { return b.proxy.memory.held() == 0 })
}

// One app cannot take the memory, or the room for requests, from the others.
func TestAppsHaveShares(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]func(*Config){
		"memory":   func(c *Config) { c.MaxBodyBytes, c.MaxBodyMemory, c.MaxAppBodyMemory = 100, 200, 100 },
		"requests": func(c *Config) { c.MaxRunning = 4 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(bound))
			greedy, other := b.pair(anything()), b.pair(anything())
			sendHalf(greedy, "DPoP "+greedy.token)
			b.eventually("a first body is being read", func() bool { return b.proxy.memory.held() > 0 })
			for _, bound := range []bool{true, false} {
				r := greedy.request("POST", chatPath, question)
				if !bound {
					r = unbound(greedy, question)
				}
				if got := b.do(r); got.status != 429 || got.code() != "concurrency_limited" {
					t.Errorf("the same app again, bound %v: %d %s", bound, got.status, got.body)
				}
			}
			if got := other.post(question); got.status != 200 {
				t.Errorf("another app: %d %s", got.status, got.body)
			}
		})
	}
}

// A body takes memory as it arrives, not as it is announced.
func TestBodyTakesWhatItNeeds(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 300<<10)
	r, err := http.NewRequest("POST", "/", io.NopCloser(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	m := newMemory(1<<30, 1<<30)
	b := &body{request: r, limit: 32 << 20, memory: m}
	data, err := b.read()
	if err != nil || string(data) != text || m.held() > 512<<10 {
		t.Errorf("%d bytes, %v, with %d bytes of memory", len(data), err, m.held())
	}
	if b.free(); m.held() != 0 || len(m.byApp) != 0 {
		t.Errorf("%d bytes are not given back", m.held())
	}
	announced := &body{request: &http.Request{ContentLength: 1 << 20, Body: http.NoBody}, limit: 32 << 20, memory: m}
	if _, err := announced.read(); err != nil || m.held() > firstBodyBuffer {
		t.Errorf("an announcement took %d bytes, %v", m.held(), err)
	}
}

// Whoever may not be served is refused before any of the body is taken, and
// whatever the proof says about the body.
func TestStandingComesBeforeTheBody(t *testing.T) {
	t.Parallel()
	for _, c := range causes()[:4] {
		for _, bound := range []string{question, ""} {
			t.Run(fmt.Sprint(c.name, bound != ""), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, with(func(c *Config) { c.Timeouts.Body = 50 * time.Millisecond }))
				a := b.pair(anything())
				b.proxy.memory.all = 0 // taking any would be another refusal
				c.stop(a)
				conn, err := net.Dial("tcp", a.url[len("http://"):])
				b.must(err)
				defer conn.Close()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n\r\n1\r\n{\r\n",
					chatPath, a.token, a.prove("POST", a.url+chatPath, []byte(bound)))
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				b.must(err)
				text, err := io.ReadAll(res.Body)
				b.must(err)
				if got := (result{body: text}); res.StatusCode != c.status || got.code() != c.code {
					t.Errorf("%d %s", res.StatusCode, text)
				}
			})
		}
	}
}

// A right that is taken away ends the reading of a body, however long its
// client may take.
func TestKillSwitchStopsReading(t *testing.T) {
	t.Parallel()
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(func(c *Config) { c.Timeouts.Body = time.Hour }))
			a := b.pair(anything())
			conn := sendHalf(a, "DPoP "+a.token)
			b.eventually("the body is being read", func() bool { return b.proxy.memory.held() > 0 })
			c.stop(a)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			b.must(err)
			text, err := io.ReadAll(res.Body)
			b.must(err)
			if got := (result{body: text}); res.StatusCode != c.status || got.code() != c.code {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
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
