package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
)

// passingStreams is how many streams TestStreamsThroughGateway sends: 1,000, or
// what KEYWICKET_TEST_STREAMS says.
func passingStreams(t *testing.T) int {
	text := os.Getenv("KEYWICKET_TEST_STREAMS")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEYWICKET_TEST_STREAMS=%s is not a number of streams", text)
	}
	return n
}

// TestStreamsThroughDialects sends ten thousand random streams, cut at random
// places, through readers and meters: what comes out has the hash of what went
// in, less the one event that a client has not asked for.
func TestStreamsThroughDialects(t *testing.T) {
	t.Parallel()
	providers, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	var events []river
	calls, meters := map[string]*plugins.Call{}, map[string]plugins.Provider{}
	for _, f := range rivers() {
		if f.event == nil {
			continue // a meter does not touch what is no event
		}
		events = append(events, f)
		for _, p := range providers {
			if p.Manifest().ID != f.resource {
				continue
			}
			path, query, _ := strings.Cut(f.path, "?")
			calls[f.name], err = p.Describe(plugins.Request{
				Method: http.MethodPost, Path: "/" + strings.SplitN(path, "/", 5)[4], RawQuery: query,
				Header: http.Header{"Content-Type": {plainJSON}}, Body: fmt.Appendf(nil, f.body, 0),
			})
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			meters[f.name] = p
		}
	}
	dropped := 0
	for n := range 10_000 {
		f := events[n%len(events)]
		sent, kept := f.stream(n)
		meter, out := meters[f.name].NewMeter(calls[f.name]), sha256.New()
		reader := plugins.NewEventReader(&hesitant{bytes.NewReader(sent), rand.New(rand.NewPCG(uint64(n), 43))}, 0)
		for {
			raw, err := reader.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: stream %d: %v", f.name, n, err)
			}
			out.Write(meter.Event(raw))
		}
		if want := sha256.Sum256(kept); !bytes.Equal(out.Sum(nil), want[:]) {
			t.Fatalf("%s: stream %d came out different: %.2000q", f.name, n, sent)
		}
		if len(kept) < len(sent) {
			dropped++
		}
	}
	if dropped < 500 {
		t.Errorf("only %d streams had an event to leave out", dropped)
	}
}

// hesitant reads a few bytes at a time, sometimes none.
type hesitant struct {
	src    *bytes.Reader
	random *rand.Rand
}

// Read implements io.Reader.
func (h *hesitant) Read(p []byte) (int, error) {
	most := 90
	if h.random.IntN(10) == 0 {
		most = 20_000
	}
	n, err := h.src.Read(p[:min(len(p), h.random.IntN(most))])
	if err == io.EOF && h.src.Len() > 0 {
		err = nil
	}
	return n, err
}

var streamNumber = regexp.MustCompile(`stream (\d+)`)

// sender is a provider that sends the stream it is asked for, cut where its
// number says, sometimes with a length.
func sender(t *testing.T) *httptest.Server {
	t.Helper()
	known := map[string]river{}
	for _, f := range rivers() {
		known[f.name] = f
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		found := streamNumber.FindSubmatch(body)
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		f, ok := known[strings.ReplaceAll(name, "+", " ")]
		if !ok || found == nil {
			http.Error(w, "no such stream", http.StatusTeapot)
			return
		}
		n, _ := strconv.Atoi(string(found[1]))
		sent, _ := f.stream(n)
		random := rand.New(rand.NewPCG(uint64(n), 47))
		w.Header().Set("Content-Type", f.media)
		most := []int{3, 100, 5000}[random.IntN(3)]
		if random.IntN(4) == 0 {
			w.Header().Set("Content-Length", strconv.Itoa(len(sent)))
		}
		for pieces := 0; len(sent) > 0; pieces++ {
			cut := min(1+random.IntN(most), len(sent))
			if pieces > 60 {
				cut = len(sent)
			}
			if _, err := w.Write(sent[:cut]); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			sent = sent[cut:]
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestStreamsThroughGateway is the same through sockets, with the arrays that
// are no event streams.
func TestStreamsThroughGateway(t *testing.T) {
	t.Parallel()
	clock := &stillClock{} // however many streams, a token is good for all of a kind
	g, provider := start(t, clock.set), sender(t)
	keys, err := g.Admin.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Admin.RemoveKey(t.Context(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	total := passingStreams(t)
	for i, f := range rivers() {
		in := admin.KeyInput{Resource: f.resource, Label: "sender", BaseURL: provider.URL + "/" + strings.ReplaceAll(f.name, " ", "+"), Secret: canaryKey, AllowPrivate: true}
		key, err := g.Admin.AddKey(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		a := pairPlain(t, g, g.URL, newAppKey(t, "Ed25519"), clock.Now, `{"resource":"`+f.resource+`"}`)
		var all sync.WaitGroup
		numbers := make(chan int)
		for range 4 {
			all.Go(func() {
				for n := range numbers {
					if err := a.passing(t, transport, f, n); err != nil {
						t.Errorf("%s: stream %d: %v", f.name, n, err)
					}
				}
			})
		}
		for n := i; n < total; n += len(rivers()) {
			numbers <- n
		}
		close(numbers)
		all.Wait()
		if _, err := g.Admin.RemoveKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// passing asks for one stream and holds its hash against what was sent.
func (a *plainApp) passing(t *testing.T, transport http.RoundTripper, f river, n int) error {
	path, _, _ := strings.Cut(f.path, "?")
	r := a.request(t, http.MethodPost, f.path, fmt.Sprintf(f.body, n), http.Header{
		"Content-Type": {plainJSON}, "Authorization": {"DPoP " + a.access},
		"DPoP": {forge(a.key, http.MethodPost, a.issuer+path, a.access, a.now()).compact(t)},
	})
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != f.media {
		return fmt.Errorf("%d %v: %w", answer.StatusCode, answer.Header, err)
	}
	if _, kept := f.stream(n); sha256.Sum256(body) != sha256.Sum256(kept) {
		return fmt.Errorf("%d bytes came out different", len(kept))
	}
	return nil
}
