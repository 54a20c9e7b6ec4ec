package proxy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// told is a History that a test can read.
type told struct {
	mu  sync.Mutex
	all []Ended
}

// Ended implements History.
func (h *told) Ended(e Ended) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
}

// last is the newest entry, once there are n.
func (h *told) last(b *bench, n int) Ended {
	b.Helper()
	var e Ended
	b.eventually(fmt.Sprint(n, " requests are told of"), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.all) == n {
			e = h.all[n-1]
		}
		return len(h.all) >= n
	})
	return e
}

// Each row is a request and what the history learns of it.
func TestHistoryIsTold(t *testing.T) {
	t.Parallel()
	const hostile = `{"model":"../<script>","messages":[{"role":"user","content":"x"}]}`
	for _, row := range []struct {
		name    string
		granted policy.Document
		fault   openaifake.Fault
		ask     func(*app)
		want    Ended // but for times, ids and usage
		output  int64
	}{
		{
			"answered", rich(), openaifake.Fault{}, func(a *app) { a.post(question) },
			Ended{Action: "chat.completions", Model: "gpt-4o-mini", Status: 200, Charged: true}, 9,
		},
		{
			"streamed", rich(), openaifake.Fault{}, func(a *app) { a.post(streamed) },
			Ended{Action: "chat.completions", Model: "gpt-4o-mini", Status: 200, Charged: true}, 9,
		},
		{
			"models", rich(), openaifake.Fault{}, func(a *app) { a.do(a.request("GET", "/r/llm/openai/models", "")) },
			Ended{Action: "models.list", Status: 200, Charged: true}, 0,
		},
		{
			"error of the provider's", rich(), openaifake.Fault{Status: 429}, func(a *app) { a.post(question) },
			Ended{Action: "chat.completions", Model: "gpt-4o-mini", Status: 429}, 0,
		},
		{
			"denied", policy.Document{Resource: resource, Models: []string{"gpt-4o*"}}, openaifake.Fault{}, func(a *app) { a.post(hostile) },
			Ended{Action: "chat.completions", Model: "../<script>", Status: 403, Denied: true, Code: "model_not_allowed", Rule: "models"}, 0,
		},
		{
			"limited", granting(policy.Limit{Per: policy.Day, Tokens: 10}), openaifake.Fault{}, func(a *app) { a.post(question) },
			Ended{Action: "chat.completions", Model: "gpt-4o-mini", Status: 429, Denied: true, Code: "token_budget_spent", Rule: "limits[0].tokens"}, 0,
		},
		{
			"cut", granting(policy.Limit{Per: policy.Day, Tokens: 200}), openaifake.Fault{Endless: true}, func(a *app) { a.post(streamed) },
			Ended{Action: "chat.completions", Model: "gpt-4o-mini", Status: 200, Charged: true, Estimated: true, Code: "token_budget_spent", Rule: "limits[0].tokens"}, 100,
		},
		{
			"not readable", rich(), openaifake.Fault{}, func(a *app) { a.post(`{"model":`) },
			Ended{Status: 400, Denied: true, Code: "invalid_request", Rule: "invalid_request"}, 0,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := &told{}
			b := newBench(t, with(func(c *Config) { c.History = h })).priced()
			b.fake.Script(row.fault)
			a := b.pair(row.granted)
			row.ask(a)
			got := h.last(b, 1)
			if got.AppID != a.id || got.Resource != resource || got.Time.IsZero() || (got.PermissionID == "") != (row.want.Rule == "models" || got.Action == "") {
				t.Errorf("whose: %+v", got)
			}
			if got.Usage.OutputTokens < row.output || got.Cost < row.output*10_000_000 || (got.Cost > 0) != (row.output > 0) {
				t.Errorf("usage %+v, cost %d", got.Usage, got.Cost)
			}
			if got.Latency <= 0 || got.FirstByte > got.Latency || (got.FirstByte > 0) == got.Denied {
				t.Errorf("latency %v, first byte after %v", got.Latency, got.FirstByte)
			}
			row.want.AppID, row.want.Resource, row.want.PermissionID, row.want.Time = got.AppID, got.Resource, got.PermissionID, got.Time
			row.want.Usage, row.want.Cost, row.want.Latency, row.want.FirstByte = got.Usage, got.Cost, got.Latency, got.FirstByte
			if got != row.want {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
}

// Nobody's requests are in nobody's history.
func TestHistoryOfStrangers(t *testing.T) {
	t.Parallel()
	h := &told{}
	b := newBench(t, with(func(c *Config) { c.History = h }))
	a := b.pair(anything())
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Header.Del("Authorization") },
		func(r *http.Request) { r.Header.Set("DPoP", "x") },
		func(r *http.Request) { withToken(a, r, "x.y.z") },
	} {
		r := a.request("POST", chatPath, question)
		change(r)
		if got := b.do(r); got.status != 401 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	a.post(question)
	if e := h.last(b, 1); e.AppID != a.id || e.Status != 200 {
		t.Errorf("%+v", e)
	}
}

// The audit log says what a request cost.
func TestCostIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t).priced()
	a := b.pair(rich())
	b.clock.advance(time.Second)
	got := a.post(question)
	models := a.do(a.request("GET", "/r/llm/openai/models", ""))
	ended := b.recorded(audit.RequestEnded, got.id())
	if len(ended) != 1 || ended[0].Usage == nil || ended[0].Usage.CostNanoDollars < 9*10_000_000 {
		t.Errorf("%+v", ended)
	}
	if ended := b.recorded(audit.RequestEnded, models.id()); len(ended) != 1 || ended[0].Usage != nil {
		t.Errorf("listing models: %+v", ended)
	}
	if !strings.Contains(string(got.body), "lazy dog") {
		t.Errorf("answer: %s", got.body)
	}
}

// What was let through but never sent, for want of a key or of a provider at its
// address, is a denial: nobody has seen it and it cost nothing.
func TestHistoryOfWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*bench){
		"no key": func(*bench) {},
		"nobody there": func(b *bench) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			b.must(err)
			b.storeKey(resource, "work", "http://"+listener.Addr().String()+"/v1", canary, vault.Arrangement{})
			b.must(listener.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &told{}
			b := newBench(t, noKeys, with(func(c *Config) { c.History = h }))
			prepare(b)
			a := b.pair(rich())
			got := a.post(question)
			if e := h.last(b, 1); !e.Denied || e.Charged || e.Code != "upstream_error" || e.Status != got.status || e.Model != "gpt-4o-mini" {
				t.Errorf("%+v", e)
			}
			if started := b.recorded(audit.RequestStarted, got.id()); len(started) != 1 {
				t.Errorf("%d lines say that it was let through", len(started))
			}
		})
	}
}
