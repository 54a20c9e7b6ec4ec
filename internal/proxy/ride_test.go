package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// A client that only shuts down its sending side still reads. It gets no answer
// for which its key would let it ask again.
func TestHalfClosedClientsRideNowhere(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		case <-r.Context().Done():
		}
		time.Sleep(200 * time.Millisecond) // in which the gateway may notice; it is right either way
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"the whole answer"}}],"usage":{"prompt_tokens":5,"completion_tokens":9}}`)
	}))
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Day, Requests: 2}}})
	var answers int64
	for i := range 8 {
		r := a.request("POST", chatPath, question)
		r.Header.Set("Idempotency-Key", fmt.Sprintf("ride-%d", i/4))
		conn, err := net.Dial("tcp", b.url[len("http://"):])
		b.must(err)
		b.must(conn.SetDeadline(time.Now().Add(time.Minute)))
		b.must(r.Write(conn))
		over := make(chan struct{})
		go func() {
			select {
			case <-asked:
				_ = conn.(*net.TCPConn).CloseWrite()
			case <-over: // it was refused
			}
		}()
		if res, err := http.ReadResponse(bufio.NewReader(conn), r); err == nil {
			body, err := io.ReadAll(res.Body)
			if res.StatusCode == http.StatusOK && err == nil && len(body) > 0 {
				answers++
			}
		}
		close(over)
		_ = conn.Close()
		b.eventually("it has ended", func() bool { return b.proxy.Running() == 0 })
	}
	if used := a.settled(policy.Requests); answers > 2 || used != 2 {
		t.Errorf("%d answers were read, %d requests counted", answers, used)
	}
}
