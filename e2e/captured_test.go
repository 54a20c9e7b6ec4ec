package e2e_test

import (
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// capturedProofs is how many proofs TestCapturedProofs captures: 1,000, or what
// KEYWICKET_TEST_PROOFS says.
func capturedProofs(t *testing.T) int {
	text := os.Getenv("KEYWICKET_TEST_PROOFS")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEYWICKET_TEST_PROOFS=%s is not a number of proofs", text)
	}
	return n
}

// TestCapturedProofs sends each captured request three times, from a hundred
// goroutines that draw them in turn: each passes once.
func TestCapturedProofs(t *testing.T) {
	t.Parallel()
	const senders, copies = 100, 3
	g, clock := behindProxy(t)
	a := pairPlain(t, g.gateway, g.at, newAppKey(t, "Ed25519"), clock.Now, `{"resource":"llm:openai"}`)
	proofs := make([]string, capturedProofs(t))
	passed := make([]atomic.Int64, len(proofs))
	transport := &http.Transport{MaxIdleConnsPerHost: senders}
	defer transport.CloseIdleConnections()
	draw := make(chan int)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for n := range draw {
				r := a.request(t, http.MethodGet, modelsPath, "", http.Header{"Authorization": {"DPoP " + a.access}, "DPoP": {proofs[n]}})
				answer, err := transport.RoundTrip(r)
				if err != nil {
					t.Error(err)
					continue
				}
				answer.Body.Close()
				switch answer.StatusCode {
				case http.StatusOK:
					passed[n].Add(1)
				case http.StatusUnauthorized:
				default:
					t.Errorf("answered %d", answer.StatusCode)
				}
			}
		})
	}
	for n := range proofs {
		proofs[n] = a.proof().compact(t) // signed as they go, so that none grows old
		for range copies {
			draw <- n
		}
	}
	close(draw)
	wg.Wait()
	for n := range passed {
		if got := passed[n].Load(); got != 1 {
			t.Errorf("proof %d passed %d times", n, got)
		}
	}
	if n := g.Fake.Count(); n != len(proofs) {
		t.Errorf("the provider saw %d requests of %d", n, len(proofs))
	}
}
