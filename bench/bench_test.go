package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's own binary play the parts of the children.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		exitOn(playRole(role))
		return
	}
	os.Exit(m.Run())
}

// A short run goes through everything, the gateway without proof check
// included, and leaves nothing behind. Its figures mean nothing.
func TestRun(t *testing.T) { // not parallel: it sets the temporary directory
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	// About noon: the first requests of a day would wait.
	t.Setenv("TZ", fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12))
	var out strings.Builder
	s := settings{rounds: 1, requests: 50, connections: 4, rate: 200, streams: 20, apps: someApps}
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"requests a second", "processor time of a request", "p99", "first event", "idle stream", "0 of 50 requests waited"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not tell %q:\n%s", want, &out)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if !strings.HasPrefix(entry.Name(), "go-") { // the go command's own
			t.Errorf("it left %s behind", entry.Name())
		}
	}
}

func TestStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := settings{rounds: 1, requests: 50, connections: 4, rate: 200, streams: 20, apps: someApps}
	if err := run(ctx, s, new(strings.Builder)); err == nil {
		t.Error("it ran although it had been told to stop")
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	rows := []struct {
		share float64
		want  time.Duration
	}{{0, 1}, {0.5, 50}, {0.99, 99}, {0.999, 100}, {1, 100}}
	for _, row := range rows {
		if got := quantile(slices.Clone(hundred), row.share); got != row.want {
			t.Errorf("quantile %v is %d, want %d", row.share, got, row.want)
		}
	}
	if got := quantile([]time.Duration(nil), 0.5); got != 0 {
		t.Errorf("of no samples it is %v", got)
	}
}

// An answer's time is counted from when its request was due, so that what
// waits behind a slow one counts as slow.
func TestWaitingCounts(t *testing.T) {
	t.Parallel()
	const hold = 100 * time.Millisecond
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(hold)
		}
	}))
	defer upstream.Close()
	wires, err := dialMany(t.Context(), upstream.Listener.Addr().String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp(wires)
	first := spell("/slow", "X: y", call(false, "one question")) // holds the only connection
	requests := [][]byte{first, spell("/", "X: y", call(false, "another"))}
	took, err := fixedRate(t.Context(), wires, requests, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if took[1] < hold/2 {
		t.Errorf("what waited for %v is counted as %v", hold, took[1])
	}
}
