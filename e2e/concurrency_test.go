package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestOneRedemptionOfAThousand redeems one string from a thousand goroutines:
// one app comes of it, everybody else is refused.
func TestOneRedemptionOfAThousand(t *testing.T) {
	t.Parallel()
	g := start(t)
	value := g.pairingString(t, `{"resource":"llm:openai"}`)
	_, pairingCode, _ := strings.Cut(strings.TrimPrefix(value, "pair::"+g.URL), "::")
	limited := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 100}}
	var created, refused, other atomic.Int64
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/oauth/register", strings.NewReader(`{"client_name":"Notes"}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+pairingCode)
			r.Header.Set("Content-Type", "application/json")
			answer, err := limited.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			switch answer.StatusCode {
			case http.StatusCreated:
				created.Add(1)
			case http.StatusUnauthorized:
				refused.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 || refused.Load() != 999 {
		t.Errorf("%d created, %d refused, %d others", created.Load(), refused.Load(), other.Load())
	}
	g.app(t) // fails unless there is exactly one
}

// TestCapUnderConcurrency sends 200 requests at once against a cap of 50.
func TestCapUnderConcurrency(t *testing.T) {
	t.Parallel()
	g := start(t)
	ai := sdk(g.pair(t, `{"resource":"llm:openai","limits":[{"per":"day","requests":50}]}`))
	var answered, spent atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			_, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o"))
			switch _, code := refusal(err); {
			case err == nil:
				answered.Add(1)
			case code == "request_quota_spent" || code == "budget_held":
				spent.Add(1)
			default:
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	if n := g.Fake.Count(); n != 50 || answered.Load() != 50 || spent.Load() != 150 {
		t.Errorf("the provider saw %d, %d answered, %d refused; want 50, 50, 150", n, answered.Load(), spent.Load())
	}
}
