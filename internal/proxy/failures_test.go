package proxy

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// Failed requests cost nothing, so an app may make only so many of them; others
// go on.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	bad, good := b.pair(anything()), b.pair(anything())
	b.clock.stop()
	for i := range failuresAMinute {
		if got := bad.post(question); got.status != http.StatusBadRequest {
			t.Fatalf("%d: status %d", i, got.status)
		}
	}
	got := bad.post(question)
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" || b.reached() != failuresAMinute {
		t.Errorf("one more: %d, %s, the provider saw %d", got.status, got.body, b.reached())
	}
	if got := good.post(question); got.status != http.StatusBadRequest {
		t.Errorf("another app: %d", got.status)
	}
	b.clock.advance(2 * time.Second)
	if got := bad.post(question); got.status != http.StatusBadRequest {
		t.Errorf("later: %d", got.status)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f := newFailures()
	for range 2 * failuresAMinute { // at once: they were under way together
		f.count("app", now)
	}
	if wait := f.wait("app", now); wait < time.Minute || wait > time.Minute+2*time.Second {
		t.Errorf("what is owed is waited for: %v", wait)
	}
	var made int
	for at := now; at.Before(now.Add(time.Hour)); at = at.Add(time.Second) {
		if f.wait("app", at) == 0 {
			f.count("app", at)
			made++
		}
	}
	if made > 2*failuresAnHour {
		t.Errorf("%d in an hour", made)
	}
	for i := range 2 * maxFailing {
		f.count(fmt.Sprint(i), now)
	}
	if len(f.byApp) > maxFailing {
		t.Errorf("%d apps are remembered", len(f.byApp))
	}
}

// A redirect is an answer: what it was for may have been done, unless it was a
// question to a model, which nobody has answered.
func TestRedirectsAreCharged(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	for name, row := range map[string]struct {
		path, body string
		counted    int64
	}{
		"mail:resend": {"/r/mail/resend/emails", mail, 1},
		resource:      {chatPath, question, 0},
	} {
		b.addKey(name, "work", vault.Arrangement{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusSeeOther)
		})
		a := b.pair(policy.Document{Resource: name, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 9}}})
		if got := b.do(a.request("POST", row.path, row.body)); got.status != http.StatusBadGateway {
			t.Errorf("%s: status %d", name, got.status)
		}
		a.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
		granted, err := b.pairing.Permission(a.id, name)
		if err != nil {
			t.Fatal(err)
		}
		if l := b.ledger.Limits(granted.ID, granted.Document); l[0].Used != row.counted {
			t.Errorf("%s: %d requests are counted, want %d", name, l[0].Used, row.counted)
		}
	}
}
