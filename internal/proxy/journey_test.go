package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Day, Requests: 10}}})
	got := a.post(question)
	if got.status != http.StatusOK || got.err != nil || !strings.Contains(string(got.body), "lazy dog") {
		t.Fatalf("status %d, err %v, body %s", got.status, got.err, got.body)
	}
	if !strings.HasPrefix(got.id(), "req_") || got.header.Get("X-Upstream-Request-Id") != "req_fake_1" {
		t.Errorf("request ids: %v", got.header)
	}
	for _, name := range []string{"Set-Cookie", "Www-Authenticate", "Openai-Organization", "X-Ratelimit-Limit-Requests"} {
		if got.header.Get(name) != "" {
			t.Errorf("%s came through from the provider", name)
		}
	}

	started, ended := b.recorded(audit.RequestStarted, got.id()), b.recorded(audit.RequestEnded, got.id())
	if len(started) != 1 || len(ended) != 1 {
		t.Fatalf("%d started and %d ended lines", len(started), len(ended))
	}
	e := ended[0]
	if e.AppID != a.id || e.AppName != "bench" || e.Action != "chat.completions" || e.Model != "gpt-4o-mini" || e.Status != 200 || e.Code != "" || e.PermissionID == "" || e.SessionID == "" || e.Address != "127.0.0.1" {
		t.Errorf("ended line: %+v", e)
	}
	if e.Usage == nil || e.Usage.InputTokens == 0 || e.Usage.OutputTokens != 9 {
		t.Errorf("usage in audit: %+v", e.Usage)
	}

	permission, err := b.pairing.Permission(a.id, resource)
	b.must(err)
	totals := b.ledger.Totals(permission.ID)
	if totals.Requests != 1 || totals.OutputTokens != 9 || totals.InputTokens != e.Usage.InputTokens {
		t.Errorf("totals: %+v", totals)
	}
	limits := b.ledger.Limits(permission.ID, permission.Document)
	if len(limits) != 1 || limits[0].Used != 1 || limits[0].Held != 0 {
		t.Errorf("limits: %+v", limits)
	}
	if b.proxy.Running() != 0 {
		t.Errorf("%d requests still running", b.proxy.Running())
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	for _, path := range []string{"/r/llm/openai/v1/models", "/r/llm/openai/models"} {
		got := a.do(a.request("GET", path, ""))
		if got.status != http.StatusOK || !strings.Contains(string(got.body), "gpt-4o-mini") {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
}

// A cap the owner set is written into a request that asks for none.
func TestOutputCapReachesTheProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(policy.Document{Resource: resource, MaxOutputTokens: 3})
	got := a.post(question)
	if got.status != http.StatusOK || strings.Contains(string(got.body), "lazy dog") || !strings.Contains(string(got.body), `"length"`) {
		t.Errorf("status %d, body %s", got.status, got.body)
	}
}

// The provider is called at the credential's address, with its path before the
// action's, over connections that are used again. No other test runs beside it:
// net/http gives a connection up on a machine that is busy for 50 ms.
func TestConnectionsAreReused(t *testing.T) {
	remotes := make(chan string, 3)
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		remotes <- r.RemoteAddr + " " + r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"object":"chat.completion"}`))
	}))
	a := b.pair(anything())
	for range 3 {
		if got := a.post(question); got.status != http.StatusOK {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
	}
	first := <-remotes
	if second, third := <-remotes, <-remotes; first != second || second != third || !strings.HasSuffix(first, " /v1/chat/completions") {
		t.Errorf("three requests over %s, %s, %s", first, second, third)
	}
}
