package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/plugins/anthropic/anthropicfake"
	"github.com/keywicket/keywicket/plugins/gemini/geminifake"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
	"github.com/keywicket/keywicket/plugins/resend/resendfake"
)

// house is one gateway with a fake of each provider behind it. The prices are
// those that ship, and the owner's own where there are none.
type house struct {
	*gateway
	anthropic *anthropicfake.Server
	gemini    *geminifake.Server
	groq      *openaifake.Server
	resend    *resendfake.Server
	prices    map[string][]admin.Price
}

// Models of the fakes that cost something.
const (
	sonnet = "claude-sonnet-4-5"
	flash  = "gemini-2.5-flash"
	llama  = "llama-3.3-70b-versatile"
)

func newHouse(t *testing.T, settings ...setting) *house {
	t.Helper()
	h := &house{gateway: start(t, settings...), prices: map[string][]admin.Price{}}
	var err error
	if h.anthropic, err = anthropicfake.Start(anthropicfake.Config{CacheRead: 100, Written5m: 40, Thinking: "let me think"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.anthropic.Close() })
	if h.gemini, err = geminifake.Start(geminifake.Config{Thoughts: 20, Cached: 30, ToolUse: 5}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.gemini.Close() })
	if h.groq, err = openaifake.Start(openaifake.Config{Models: []string{llama, "whisper-large-v3"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.groq.Close() })
	if h.resend, err = resendfake.Start(resendfake.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.resend.Close() })
	for resource, at := range map[string]struct{ base, key string }{
		"llm:anthropic": {h.anthropic.BaseURL(), anthropicfake.DefaultKey},
		"llm:gemini":    {h.gemini.BaseURL(), geminifake.DefaultKey},
		"llm:groq":      {h.groq.BaseURL(), openaifake.DefaultKey},
		"mail:resend":   {h.resend.BaseURL(), resendfake.DefaultKey},
	} {
		in := admin.KeyInput{Resource: resource, Label: label(resource), BaseURL: at.base, Secret: at.key, AllowPrivate: true}
		if _, err := h.Admin.AddKey(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for _, model := range []string{"gpt-image-1", "gpt-4o-transcribe", "gpt-4o-mini-tts"} {
		in := admin.PriceInput{Resource: "llm:openai", Model: model, Price: price.Override{Input: 3_000_000_000, Output: 12_000_000_000}}
		if err := h.Admin.SetPrice(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for _, resource := range []string{"llm:openai", "llm:anthropic", "llm:gemini", "llm:groq"} {
		if h.prices[resource], err = h.Admin.Prices(t.Context(), resource); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// label is that of a provider's key.
func label(resource string) string {
	if resource == "llm:openai" {
		return "work"
	}
	return strings.ReplaceAll(resource, ":", "-")
}

// heal tests a provider's key as the owner would: one that was refused rests
// until then.
func (h *house) heal(ctx context.Context, resource string) error {
	out, err := h.Admin.TestKey(ctx, label(resource))
	if err == nil && !out.OK {
		err = errors.New(out.Words)
	}
	return err
}

// cost is what tokens come to, in nano-dollars, by the owner's list of prices;
// -1 where it has none.
func (h *house) cost(resource, model string, u client.Totals) int64 {
	at := slices.IndexFunc(h.prices[resource], func(p admin.Price) bool { return p.Model == model })
	if at < 0 {
		return -1
	}
	rate := h.prices[resource][at].Rate
	million := (u.InputTokens-u.CachedTokens-u.CacheWriteTokens)*rate.Input + u.CachedTokens*rate.CacheRead +
		u.CacheWriteTokens*rate.CacheWrite + u.OutputTokens*rate.Output
	return (million + 999_999) / 1_000_000
}

// account is what an app uses: each call is held against what the gateway says
// that it cost.
type account struct {
	house    *house
	c        *client.Connection
	resource string
	before   client.Totals
}

func (h *house) account(t *testing.T, resource string) *account {
	t.Helper()
	return &account{house: h, c: h.pair(t, written(members{"resource": resource, "limits": []members{{"per": "day", "requests": 1000}}})), resource: resource}
}

// spent waits until nothing of the app's runs any more and checks what was
// counted since it was last asked: the usage, and its price. An empty model has none.
func (a *account) spent(t *testing.T, model string, want client.Totals) {
	t.Helper()
	if model != "" {
		want.Cost = a.house.cost(a.resource, model, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	now := settled(t, ctx, a.c, a.resource)
	got := client.Totals{
		Requests: now.Requests - a.before.Requests, InputTokens: now.InputTokens - a.before.InputTokens,
		CachedTokens: now.CachedTokens - a.before.CachedTokens, CacheWriteTokens: now.CacheWriteTokens - a.before.CacheWriteTokens,
		OutputTokens: now.OutputTokens - a.before.OutputTokens, Cost: now.Cost - a.before.Cost,
	}
	a.before = now
	if got != want {
		t.Errorf("the gateway counted %+v, want %+v", got, want)
	}
}

// settled is what an app has used of a resource once nothing of it runs any more.
func settled(t *testing.T, ctx context.Context, c *client.Connection, resource string) client.Totals {
	t.Helper()
	for {
		status, err := c.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(status.Permissions, func(p client.Standing) bool { return p.Resource == resource })
		if at < 0 || len(status.Permissions[at].Left) == 0 {
			t.Fatalf("nothing says what is held of %s", resource)
		}
		if own := status.Permissions[at]; own.Left[0].Held == 0 {
			return own.Totals
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// counter counts what an SDK really sends, its own retries included.
type counter struct {
	mu       sync.Mutex
	statuses []int
	last     http.Header
	base     http.RoundTripper
}

// counted is an HTTP client that signs and counts.
func counted(c *client.Connection) (*http.Client, *counter) {
	n := &counter{base: &client.Transport{Connection: c}}
	return &http.Client{Transport: n}, n
}

// RoundTrip implements http.RoundTripper.
func (n *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.base.RoundTrip(r)
	n.mu.Lock()
	defer n.mu.Unlock()
	status := 0
	if err == nil {
		status, n.last = response.StatusCode, response.Header
	}
	n.statuses = append(n.statuses, status)
	return response, err
}

// sent are the statuses since the last call.
func (n *counter) sent() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.statuses
	n.statuses = nil
	return was
}
