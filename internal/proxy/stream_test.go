package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// Whatever a provider streams arrives byte for byte: all line ends, comments,
// names, long events, and cuts between writes at any place.
func TestStreamBytesAreUnchanged(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			want := randomStream(random)
			b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				pieces := rand.New(rand.NewPCG(seed, 8))
				for rest := want; len(rest) > 0; {
					n := min(1+pieces.IntN(4000), len(rest))
					w.Write(rest[:n])
					http.NewResponseController(w).Flush()
					rest = rest[n:]
				}
			}))
			a := b.pair(anything())
			got := a.post(streamed)
			if got.status != http.StatusOK || got.err != nil || !bytes.Equal(got.body, want) {
				t.Errorf("status %d, err %v, %d bytes of %d", got.status, got.err, len(got.body), len(want))
			}
			if got.header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("headers: %v", got.header)
			}
		})
	}
}

func randomStream(random *rand.Rand) []byte {
	var b bytes.Buffer
	end := []string{"\n", "\r\n"}[random.IntN(2)]
	for range 40 {
		switch random.IntN(6) {
		case 0:
			b.WriteString(": ping" + end)
		case 1:
			b.WriteString("event: odd" + end + "id: 7" + end)
		}
		text := make([]byte, random.IntN(200))
		if random.IntN(10) == 0 {
			text = make([]byte, 100_000)
		}
		for i := range text {
			text[i] = byte('a' + random.IntN(26))
		}
		fmt.Fprintf(&b, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}%s%s", text, end, end)
	}
	b.WriteString("data: [DONE]" + end + end)
	return b.Bytes()
}

// Each event goes out as it comes, not when a buffer is full.
func TestEventsAreFlushed(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
			select {
			case <-more:
			case <-r.Context().Done():
			}
		}
	}))
	s := b.pair(anything()).open(streamed)
	for i := 1; i < 3; i++ {
		more <- struct{}{}
		if got := string(s.next()); got != fmt.Sprintf("data: %d\n\n", i) {
			t.Errorf("event %d: %q", i, got)
		}
	}
	more <- struct{}{}
	if last, err := s.rest(); err != io.EOF || last != nil {
		t.Errorf("at the end: %q, %v", last, err)
	}
}

func TestStreamUsageIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	got := a.post(streamed)
	if !bytes.HasSuffix(got.body, []byte("data: [DONE]\n\n")) || bytes.Contains(got.body, []byte("completion_tokens")) {
		t.Errorf("body: %s", got.body)
	}
	ended := b.recorded(audit.RequestEnded, got.id())
	if len(ended) != 1 || ended[0].Usage == nil || ended[0].Usage.OutputTokens != 9 || ended[0].Code != "" {
		t.Errorf("ended: %+v", ended)
	}
}

// What breaks off at the provider ends with an error event, so that nobody
// takes half an answer for a whole one.
func TestStreamCutByTheProvider(t *testing.T) {
	t.Parallel()
	t.Run("between events", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.fake.Script(openaifake.Fault{CutAfter: 3})
		s := b.pair(anything()).open(streamed)
		wantCut(s, "upstream_error")
	})
	t.Run("inside an event", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("data: 1\n\ndata: {\"choi"))
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		s := b.pair(anything()).open(streamed)
		wantCut(s, "upstream_error")
		if bytes.Contains(s.seen.Bytes(), []byte("choi")) {
			t.Errorf("half an event came through: %q", s.seen.Bytes())
		}
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, with(func(c *Config) { c.Timeouts.Idle = 500 * time.Millisecond }), behind(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, word+word) // which come with the head: a slow machine is not silent before
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		s := b.pair(anything()).open(streamed)
		wantCut(s, "upstream_timeout")
	})
	t.Run("an event without end", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("data: 1\n\ndata: "))
			for junk := bytes.Repeat([]byte("x"), 1<<20); r.Context().Err() == nil; {
				w.Write(junk)
			}
		}))
		s := b.pair(anything()).open(streamed)
		wantCut(s, "upstream_error")
	})
}

// wantCut reads to the end of a stream and wants its last event to say why it
// was cut, in the client's stream and in the audit log.
func wantCut(s *openStream, code string) {
	s.Helper()
	last, err := s.rest()
	if err != io.EOF {
		s.Errorf("the stream ended with %v", err)
	}
	if codeOf(last) != code {
		s.Errorf("last event %q, want code %s", last, code)
	}
	s.eventually("the request has ended", func() bool { return s.proxy.Running() == 0 })
	if ended := s.recorded(audit.RequestEnded, s.id); len(ended) != 1 || ended[0].Code != code || ended[0].Status != 200 {
		s.Errorf("audit: %+v", ended)
	}
}
