package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/proxy"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/usage"
)

// answered is a request that went through.
func answered(app string) proxy.Ended {
	return proxy.Ended{
		AppID: app, Resource: "llm:openai", Model: "gpt-4o", Status: http.StatusOK, Charged: true,
		Usage: policy.Usage{InputTokens: 100, CachedTokens: 40, OutputTokens: 7}, Cost: 1_500_000,
		Latency: 300 * time.Millisecond, FirstByte: 90 * time.Millisecond,
	}
}

func refused(app, rule, code string, status int) proxy.Ended {
	return proxy.Ended{AppID: app, Resource: "llm:openai", Denied: true, Rule: rule, Code: code, Status: status}
}

func scrape(t *testing.T, h http.Handler) (status int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newOAuthServer(t)
	p := s.pair(policy.Document{Resource: "llm:openai", Limits: []policy.Limit{{Per: policy.Day, Requests: 30, Dollars: 1_500_000_000}}})
	app := p.id
	w := s.rooms.watch
	w.Ended(answered(app))
	w.Ended(answered(app))
	failed := answered(app)
	failed.Code, failed.Status = "upstream_timeout", http.StatusGatewayTimeout
	w.Ended(failed)
	for range 20 {
		w.Ended(refused(app, "limits[3].requests", "request_quota_spent", http.StatusTooManyRequests))
	}
	w.Ended(refused(app, "", codeUnrecorded, http.StatusServiceUnavailable))
	status, text := scrape(t, s.socketHandler())
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	limit := fmt.Sprintf(`app="%s",limit="0",model="*",per="day",permission="%s",resource="llm:openai",unit="requests"`, app, s.rooms.pairing.Permissions(app)[0].ID)
	dollars := strings.NewReplacer(`limit="0"`, `limit="1"`, "requests", "dollars").Replace(limit)
	labels := fmt.Sprintf(`{app="%s",`, app)
	for _, line := range []string{
		`keywicket_requests_total` + labels + `outcome="answered",resource="llm:openai"} 2`,
		`keywicket_requests_total` + labels + `outcome="failed",resource="llm:openai"} 1`,
		`keywicket_tokens_total` + labels + `kind="input",resource="llm:openai"} 300`,
		`keywicket_tokens_total` + labels + `kind="cached",resource="llm:openai"} 120`,
		`keywicket_tokens_total` + labels + `kind="output",resource="llm:openai"} 21`,
		`keywicket_cost_dollars_total` + labels + `resource="llm:openai"} 0.0045`,
		`keywicket_denials_total` + labels + `rule="limits.requests"} 20`,
		`keywicket_denials_total` + labels + `rule="audit_unavailable"} 1`,
		`keywicket_record_failures_total 1`,
		`keywicket_request_duration_seconds_count{resource="llm:openai"} 3`,
		`keywicket_request_duration_seconds_bucket{resource="llm:openai",le="0.25"} 0`,
		`keywicket_request_duration_seconds_bucket{resource="llm:openai",le="0.5"} 3`,
		`keywicket_time_to_first_byte_seconds_bucket{resource="llm:openai",le="0.1"} 3`,
		`keywicket_limit_used{` + limit + `} 0`,
		`keywicket_limit_cap{` + limit + `} 30`,
		`keywicket_limit_cap{` + dollars + `} 1.5`,
		`keywicket_limits_left_out 0`,
		`keywicket_vault_locked 1`,
		`keywicket_frozen 0`,
		`keywicket_restored 0`,
		`keywicket_running_requests 0`,
		`keywicket_alerts_total{kind="app.denied"} 1`,
		`keywicket_alerts_total{kind="limit.reached"} 0`,
		`keywicket_alerts_unread 1`,
		`keywicket_build_info{go="`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
	must(t, s.rooms.pairing.Freeze())
	if _, frozen := scrape(t, s.socketHandler()); !strings.Contains(frozen, "\nkeywicket_frozen 1") {
		t.Error("not frozen")
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// TestHistoryOfRequests: what the data plane tells reaches the history.
func TestHistoryOfRequests(t *testing.T) {
	t.Parallel()
	s := opened(t, nil)
	s.rooms.watch.Ended(answered("app_a"))
	s.rooms.watch.Ended(refused("app_a", "models", "model_not_allowed", http.StatusForbidden))
	cut := answered("app_a")
	cut.Code, cut.Rule = "dollar_budget_spent", "limits[0].dollars"
	s.rooms.watch.Ended(cut)
	rows, err := s.rooms.usage.Query(usage.Query{})
	must(t, err)
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	got := rows[0].Sums
	if got.Requests != 2 || got.Errors != 1 || got.Denied != 1 || got.InputTokens != 200 || got.CachedTokens != 80 || got.OutputTokens != 14 || got.Cost != 3_000_000 {
		t.Errorf("%+v", got)
	}
}

// TestMetricsAreNotPublic: they tell who uses what.
func TestMetricsAreNotPublic(t *testing.T) {
	t.Parallel()
	s := opened(t, nil)
	if status, text := scrape(t, s.publicHandler()); status != http.StatusNotFound || strings.Contains(text, "keywicket_") {
		t.Errorf("status %d: %.200s", status, text)
	}
	for _, r := range s.routes() {
		if strings.Contains(r.path, "metrics") {
			t.Errorf("the public side has a route %s", r.path)
		}
	}
	if s.MetricsAddr() != "" {
		t.Errorf("listening on %s unasked", s.MetricsAddr())
	}
}

// TestMetricsLabelsAreBounded: ten thousand apps are not ten thousand series.
func TestMetricsLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := opened(t, nil)
	for i := range 10_000 {
		s.rooms.metrics.ended(answered(fmt.Sprint("app_", i)), usageOf(answered("")))
	}
	for i := range 1000 {
		e := refused("app_0", fmt.Sprint("rule_", i), "", http.StatusForbidden)
		s.rooms.metrics.ended(e, usageOf(e))
	}
	_, text := scrape(t, s.socketHandler())
	if n := strings.Count(text, "\nkeywicket_requests_total{"); n != maxMetricApps+1 {
		t.Errorf("%d series of requests", n)
	}
	if n := strings.Count(text, "\nkeywicket_denials_total{"); n != maxMetricRules+1 {
		t.Errorf("%d series of denials", n)
	}
	if !strings.Contains(text, `keywicket_requests_total{app="other",outcome="answered",resource="llm:openai"} 9800`) {
		t.Error("the rest is not counted")
	}
}

// TestMetricsListener serves one path to whom it should, and nothing else.
func TestMetricsListener(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(token, []byte("a-token-for-the-test\n"), 0o600))
	for _, row := range []struct {
		name, file         string
		method, path, host string
		authorization      string
		want               int
	}{
		{"this machine", "", "GET", "/metrics", "", "", 200},
		{"by name", "", "GET", "/metrics", "localhost:9", "", 200},
		{"a name that was made to resolve to it", "", "GET", "/metrics", "rebound.example", "", 401},
		{"another method", "", "POST", "/metrics", "", "", 405},
		{"the console", "", "GET", "/", "", "", 404},
		{"the owner's commands", "", "GET", "/owner/v1/status", "", "", 404},
		{"the data plane", "", "POST", "/r/llm/openai/v1/chat/completions", "", "", 404},
		{"no token", token, "GET", "/metrics", "", "", 401},
		{"another token", token, "GET", "/metrics", "", "Bearer a-token-for-the-tesT", 401},
		{"the token", token, "GET", "/metrics", "elsewhere.example", "Bearer a-token-for-the-test", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := opened(t, func(c *Config) { c.MetricsListen, c.MetricsTokenFile = "127.0.0.1:0", row.file })
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(ctx) }()
			defer func() {
				stop()
				must(t, <-ended)
			}()
			r, err := http.NewRequest(row.method, "http://"+s.MetricsAddr()+row.path, nil)
			must(t, err)
			if row.host != "" {
				r.Host = row.host
			}
			if row.authorization != "" {
				r.Header.Set("Authorization", row.authorization)
			}
			res, err := http.DefaultClient.Do(r)
			must(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			must(t, err)
			if res.StatusCode != row.want || (row.want == 200) != strings.Contains(string(body), "keywicket_vault_locked 0") {
				t.Errorf("status %d, want %d: %.200s", res.StatusCode, row.want, body)
			}
		})
	}
}

func TestMetricsListenerIsRefused(t *testing.T) {
	t.Parallel()
	file := func(mode os.FileMode, text string) string {
		path := filepath.Join(t.TempDir(), "token")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		must(t, os.Chmod(path, mode))
		return path
	}
	const good = "a-token-for-the-test"
	for _, row := range []struct{ name, address, file, want string }{
		{"everywhere, without a token", "0.0.0.0:0", "", "could be read by others"},
		{"everywhere, in IPv6", "[::]:0", "", "could be read by others"},
		{"a short token", "127.0.0.1:0", file(0o600, "short\n"), "shorter than 16"},
		{"a token for everybody", "127.0.0.1:0", file(0o644, good), "chmod 600"},
		{"no such file", "127.0.0.1:0", "/nowhere", "reading the token"},
		{"no address", "nonsense", "", "choose another address with --metrics-listen"},
		{"everywhere, with a token", "0.0.0.0:0", file(0o600, good), ""},
	} {
		l, err := listenMetrics(row.address, row.file)
		switch {
		case row.want == "" && err == nil:
			must(t, l.Close())
		case row.want == "" || err == nil || !strings.Contains(err.Error(), row.want):
			t.Errorf("%s: %v", row.name, err)
		}
		if err != nil && strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error has the token", row.name)
		}
	}
}

// BenchmarkEnded is what it costs to remember one request.
func BenchmarkEnded(b *testing.B) {
	disk, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	history, err := usage.New(usage.Config{Store: disk})
	if err != nil {
		b.Fatal(err)
	}
	w := &watch{usage: history, metrics: newMetrics("test")}
	b.ReportAllocs()
	for b.Loop() {
		w.Ended(answered("app_a"))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
