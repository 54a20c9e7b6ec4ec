package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// TestAppSeesItsUsage: an app sees its own numbers, fresh ones for today, and
// nothing of another's.
func TestAppSeesItsUsage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)
	clock := func() time.Time { return now }
	s := newOAuthServerWith(t, func(c *Config) { c.Clock = clock })
	s.signAt = clock
	p := s.pair(policy.Document{Resource: "llm:openai", Limits: []policy.Limit{{Per: policy.Month, Tokens: 500, Dollars: 2_000_000_000}}})
	s.rooms.watch.Ended(answered(p.id))
	s.rooms.watch.Ended(refused(p.id, "models", "model_not_allowed", http.StatusForbidden))
	other := answered("app_other")
	other.Model = "secret-model-of-another"
	s.rooms.watch.Ended(other)
	got := p.call("GET", "/api/app", "")
	if got.StatusCode != 200 || strings.Contains(got.raw, "another") {
		t.Fatalf("%d %s", got.StatusCode, got.raw)
	}
	usage := got.members["usage"].(map[string]any)
	for _, span := range []string{"today", "last_30_days"} {
		sums := usage[span].(map[string]any)
		for name, want := range map[string]float64{
			"requests": 1, "input_tokens": 100, "cached_tokens": 40, "output_tokens": 7, "cost_nano_dollars": 1_500_000, "denied": 1, "errors": 0,
		} {
			if sums[name] != want {
				t.Errorf("%s: %s is %v, want %v", span, name, sums[name], want)
			}
		}
	}
	if models := usage["models"].([]any); len(models) != 2 || models[0].(map[string]any)["model"] != "gpt-4o" {
		t.Errorf("models are %v", models)
	}
	own := got.members["permissions"].([]any)[0].(map[string]any)
	limits := own["usage"].([]any)
	if len(limits) != 2 || limits[0].(map[string]any)["unit"] != "tokens" || limits[1].(map[string]any)["unit"] != "dollars" || limits[1].(map[string]any)["limit"] != 2e9 {
		t.Errorf("limits are %v", limits)
	}
	if totals := own["totals"].(map[string]any); totals["requests"] != 0.0 {
		t.Errorf("totals are %v", totals)
	}

	// The month is read once a minute, today each time.
	s.rooms.watch.Ended(answered(p.id))
	for _, row := range []struct {
		wait         time.Duration
		today, month float64
	}{{0, 2, 1}, {30 * time.Second, 2, 1}, {31 * time.Second, 2, 2}} {
		now = now.Add(row.wait)
		usage := p.call("GET", "/api/app", "").members["usage"].(map[string]any)
		today, month := usage["today"].(map[string]any)["requests"], usage["last_30_days"].(map[string]any)["requests"]
		if today != row.today || month != row.month {
			t.Errorf("after %s: %v today, %v in 30 days", row.wait, today, month)
		}
	}
}
