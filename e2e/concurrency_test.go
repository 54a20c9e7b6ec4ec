package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestOneRedemptionOfAThousand redeems a string from a thousand goroutines, a
// second before it expires and a second after: one app comes of it, or none.
// Everybody else is refused.
func TestOneRedemptionOfAThousand(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		age     time.Duration
		created int64
	}{
		{"at 9:59", 9*time.Minute + 59*time.Second, 1},
		{"at 10:01", 10*time.Minute + time.Second, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			clock := &stillClock{}
			g := start(t, clock.set)
			code := pairingCode(g.pairingString(t, `{"resource":"llm:openai"}`))
			clock.move(row.age)
			created, refused := redeem(t, g, code, 1000)
			if created != row.created || refused != 1000-row.created {
				t.Errorf("%d created, %d refused; want %d created", created, refused, row.created)
			}
			apps, err := g.Admin.Apps(t.Context())
			if err != nil || int64(len(apps)) != row.created {
				t.Errorf("there are %d apps, %v", len(apps), err)
			}
		})
	}
}

// redeem registers with one code from many goroutines at once.
func redeem(t *testing.T, g *gateway, code string, times int) (created, refused int64) {
	limited := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 100}}
	defer limited.CloseIdleConnections()
	var made, unfit atomic.Int64
	var wg sync.WaitGroup
	for range times {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/oauth/register", strings.NewReader(`{"client_name":"Notes"}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+code)
			r.Header.Set("Content-Type", "application/json")
			answer, err := limited.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			switch answer.StatusCode {
			case http.StatusCreated:
				made.Add(1)
			case http.StatusUnauthorized:
				unfit.Add(1)
			default:
				t.Errorf("answered %d", answer.StatusCode)
			}
		})
	}
	wg.Wait()
	return made.Load(), unfit.Load()
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
