package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
)

const (
	huge     = 100 << 20 // bytes
	heapRoom = 48 << 20  // that an answer may take for a moment: an event of 8 MiB in a buffer that has doubled, and what the collector has not seen yet
)

// floods writes a beginning and then a hundred million bytes without an end of
// line, or for ever.
func floods(head string, endless bool) func(tongue) rude {
	return func(tongue) rude {
		return rude{write: func(w io.Writer, _ string, _ <-chan struct{}) {
			if _, err := io.WriteString(w, head); err != nil {
				return
			}
			junk := []byte(strings.Repeat("x", 1<<18))
			for sent := 0; endless || sent < huge; sent += len(junk) {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		}}
	}
}

// TestHugeAnswers lets providers send more than anybody has memory for. None of
// it is kept; no goroutine is left.
func TestHugeAnswers(t *testing.T) {
	chunked := ok + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\n"
	for _, row := range []misbehaviour{
		{name: "a line of a stream", stream: true, rude: floods(okStream+"data: ", false), status: 200, code: "upstream_error", charge: estimated},
		{name: "a comment of a stream", stream: true, rude: floods(okStream+":", false), status: 200, code: "upstream_error", charge: estimated},
		{name: "a header", rude: floods(ok+"X: ", false), status: 502, code: "upstream_error", charge: nothing},
		{name: "an endless header", rude: floods(ok+"X: ", true), status: 502, code: "upstream_error", charge: nothing},
		{name: "a status line", rude: floods("HTTP/1.1 200 ", true), status: 502, code: "upstream_error", charge: nothing},
		{name: "no HTTP", rude: floods("", true), status: 502, code: "upstream_error", charge: nothing},
		{name: "a size of a chunk", rude: floods(jsonChunks, true), status: 200, noted: "upstream_error", broken: true, charge: estimated},
		{name: "a trailer", rude: floods(jsonChunks+"2\r\n{}\r\n0\r\nX: ", true), status: 200, noted: "upstream_error", broken: true, charge: estimated},
		{name: "refuses the key at length", rude: floods("HTTP/1.1 401 X\r\n\r\n", true), status: 502, code: "upstream_error", charge: nothing},
		{name: "a redirect", rude: floods("HTTP/1.1 302 X\r\nLocation: /\r\n\r\n", true), status: 502, code: "upstream_error", charge: nothing},
	} {
		t.Run(row.name, func(t *testing.T) { withinHeap(t, func() { row.run(t, tongues()[0]) }) })
	}
	for _, to := range tongues() {
		t.Run("a string of an answer of "+to.resource, func(t *testing.T) {
			withinHeap(t, func() { passesHuge(t, to, floods(chunked+`{"x":"`, false)) })
		})
	}
}

// withinHeap wants do to need little memory at any time.
func withinHeap(t *testing.T, do func()) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	do()
	stop()
	<-watched
	if most > before+heapRoom {
		t.Errorf("the heap grew from %d to %d bytes", before, most)
	}
}

// passesHuge wants a long answer to go through, unread by the test, and to be
// charged by an estimate that the output cap bounds.
func passesHuge(t *testing.T, to tongue, provider func(tongue) rude) {
	b := newBench(t, func(o *options) { o.baseURL = provider(to).listen(t) + to.base })
	a := to.app(b)
	res, err := b.client().Do(a.request("POST", to.path, to.ask))
	b.must(err)
	defer res.Body.Close()
	n, _ := io.Copy(io.Discard, res.Body) // it breaks off in the end
	if res.StatusCode != http.StatusOK || n < huge-(1<<20) {
		t.Errorf("got %d and %d bytes", res.StatusCode, n)
	}
	b.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
	row := misbehaviour{charge: estimated}
	row.charged(a, to, b.recorded(audit.RequestEnded, res.Header.Get("X-Request-Id"))[0])
}

// A stream that never ends is cut by the limits, even one whose events cannot be
// read; without limits it ends with its client.
func TestEndlessStreams(t *testing.T) {
	for name, event := range map[string]string{
		"words": word, "garbage": "data: {\"choices\" the the the\n\n", "no JSON": "data: the the the\n\n", "other members": `data: {"choices":[{"index":0,"delta":{"unheard_of":"the the"}}]}` + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			endless := rude{write: func(w io.Writer, _ string, _ <-chan struct{}) {
				_, _ = io.WriteString(w, okStream)
				for {
					if _, err := io.WriteString(w, event); err != nil {
						return
					}
				}
			}}
			b := newBench(t, func(o *options) { o.baseURL = endless.listen(t) + "/v1" })
			a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: 400}))
			got := a.post(streamed)
			last := got.body[strings.LastIndex(string(got.body), "data: ")+len("data: "):]
			if got.err != nil || spokenCode(last) != policy.CodeTokenBudgetSpent {
				t.Errorf("%v: it ended with %.300q", got.err, last)
			}
			if used := a.settled(policy.Tokens); used < 300 || used > 400 {
				t.Errorf("%d tokens are counted", used)
			}
		})
	}
}

// A provider that answers before it has read the request is taken at its word,
// or has failed; it does not keep the request waiting.
func TestAnswersEarly(t *testing.T) {
	t.Parallel()
	large := strings.Replace(question, "say it", strings.Repeat("say it ", 200_000), 1)
	early := rude{early: true, write: func(w io.Writer, _ string, _ <-chan struct{}) {
		_, _ = io.WriteString(w, okJSON+"Connection: close\r\n\r\n"+tongues()[0].whole)
		if tcp, is := w.(*net.TCPConn); is {
			_ = tcp.CloseWrite()
		}
	}}
	b := newBench(t, func(o *options) { o.baseURL = early.listen(t) + "/v1" })
	a := b.pair(rich())
	got := a.post(large)
	tokens := a.settled(policy.Tokens)
	switch {
	case got.status == http.StatusOK && tokens == 12: // broken off, when the provider hangs up on the rest of the request
	case got.status == http.StatusBadGateway && got.code() == "upstream_error" && tokens == 0:
	default:
		t.Errorf("%d %v %.300q: %d tokens are counted", got.status, got.err, got.body, tokens)
	}
}
