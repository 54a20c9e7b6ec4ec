package proxy

import (
	"bufio"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keywicket/keywicket/internal/policy"
)

// fickle answers the first request on a connection, and hangs up on the second
// once it has read it whole, as a balancer that goes out of service may.
func fickle(b *testing.T) (baseURL string, read *atomic.Int64) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	read = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveFickly(conn, read)
		}
	}()
	return "http://" + l.Addr().String() + "/v1", read
}

func serveFickly(conn net.Conn, read *atomic.Int64) {
	defer conn.Close()
	buffered := bufio.NewReader(conn)
	for answered := false; ; answered = true {
		r, err := http.ReadRequest(buffered)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		read.Add(1)
		if answered {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	}
}

// A provider never reads more requests than were reserved, whatever the client
// says about repeating them. Those it fails at are given back.
func TestNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	const limit = 10
	for name, request := range map[string]func(*app) *http.Request{
		"with an idempotency key": func(a *app) *http.Request {
			r := a.request("POST", chatPath, question)
			r.Header.Set("Idempotency-Key", rand.Text())
			return r
		},
		"with one and a large body": func(a *app) *http.Request {
			r := a.request("POST", chatPath, strings.Replace(question, "say it", strings.Repeat("say it ", heldBody/4), 1))
			r.Header.Set("Idempotency-Key", rand.Text())
			return r
		},
		"without":        func(a *app) *http.Request { return a.request("POST", chatPath, question) },
		"without a body": func(a *app) *http.Request { return a.request("GET", "/r/llm/openai/v1/models", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, read := fickle(t)
			b := newBench(t, func(o *options) { o.baseURL = address })
			a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Day, Requests: limit}}})
			var through, answered int64
			for range 3 * limit {
				got := a.do(request(a))
				if got.status == 200 || got.status == 502 {
					through++
				}
				if got.status == 200 {
					answered++
				}
			}
			if through != read.Load() || answered != limit {
				t.Errorf("%d requests were let through, %d read and %d answered, want as many read and %d answered", through, read.Load(), answered, limit)
			}
		})
	}
}
