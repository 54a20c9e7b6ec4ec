package alerts_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/keywicket/keywicket/internal/alerts"
)

// endpoint is a webhook that answers as it is told, without a network.
type endpoint struct {
	mu     sync.Mutex
	status func(attempt int) int // 0: no answer at all
	got    []*http.Request
	bodies []string
	at     []time.Time
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e.got, e.bodies, e.at = append(e.got, r), append(e.bodies, string(body)), append(e.at, time.Now())
	status := e.status(len(e.got))
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Location": {"https://elsewhere.example/"}},
		Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20))), Request: r,
	}, nil
}

func always(status int) func(int) int { return func(int) int { return status } }

// play runs a test in a bubble of its own time: what takes hours takes none.
func play(t *testing.T, status func(int) int, act func(t *testing.T, b *alerts.Board, e *endpoint, secret string, log *bytes.Buffer)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, dir)
		e, log := &endpoint{status: status}, &bytes.Buffer{}
		b, err := alerts.New(alerts.Config{Store: s, Transport: e, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := b.SetWebhook("https://hooks.example/path-secret")
		if err != nil {
			t.Fatal(err)
		}
		act(t, b, e, secret, log)
		if err := errors.Join(b.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	play(t, always(204), func(t *testing.T, b *alerts.Board, e *endpoint, secret string, _ *bytes.Buffer) {
		b.Crossed(crossing(80))
		synctest.Wait()
		if len(e.got) != 1 {
			t.Fatalf("%d messages", len(e.got))
		}
		alert := b.List()[0]
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		headers, body := e.got[0].Header, e.bodies[0]
		if err := verifier.Verify([]byte(body), headers); err != nil {
			t.Errorf("the signature: %v", err)
		}
		if err := verifier.Verify([]byte(body+" "), headers); err == nil {
			t.Error("another body passes")
		}
		if headers.Get("webhook-id") != alert.ID {
			t.Errorf("webhook-id is %s", headers.Get("webhook-id"))
		}
		var message struct {
			Type      string    `json:"type"`
			Timestamp time.Time `json:"timestamp"`
			Data      struct {
				AppName string `json:"app_name"`
				Words   string `json:"words"`
				Limit   struct {
					Unit    string `json:"unit"`
					Percent int    `json:"percent"`
				} `json:"limit"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(body), &message); err != nil {
			t.Fatal(err)
		}
		if message.Type != "limit.near" || !message.Timestamp.Equal(alert.Time) || message.Data.AppName != "Notes" ||
			message.Data.Words != "has used 80 % of its $1.50 a day" || message.Data.Limit.Unit != "dollars" || message.Data.Limit.Percent != 80 {
			t.Errorf("%+v", message)
		}
		if hook, _ := b.Webhook(); hook.Pending != 0 || hook.Delivered.IsZero() || hook.Failure != "" {
			t.Errorf("%+v", hook)
		}
	})
}

// TestRetries: attempts come later and later, carry the same id and fresh
// signatures, and end.
func TestRetries(t *testing.T) {
	t.Parallel()
	play(t, always(500), func(t *testing.T, b *alerts.Board, e *endpoint, secret string, log *bytes.Buffer) {
		b.Crossed(crossing(100))
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if len(e.got) != 8 {
			t.Fatalf("%d attempts", len(e.got))
		}
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		wait := 5 * time.Second
		for i := 1; i < len(e.at); i++ {
			if pause := e.at[i].Sub(e.at[i-1]); pause < wait/2 || pause > wait+time.Second {
				t.Errorf("attempt %d came after %s, want half of %s to all of it", i+1, pause, wait)
			}
			wait *= 4
			if e.got[i].Header.Get("webhook-id") != e.got[0].Header.Get("webhook-id") {
				t.Error("the id changes between attempts")
			}
			if err := verifier.VerifyIgnoringTimestamp([]byte(e.bodies[i]), e.got[i].Header); err != nil {
				t.Error(err)
			}
		}
		if e.got[0].Header.Get("webhook-timestamp") == e.got[7].Header.Get("webhook-timestamp") {
			t.Error("the last attempt carries the time of the first: it would be refused as too old")
		}
		hook, _ := b.Webhook()
		if hook.Pending != 0 || hook.Failed.IsZero() || !strings.Contains(hook.Failure, "it answered 500") {
			t.Errorf("%+v", hook)
		}
		if !strings.Contains(log.String(), "given up") || strings.Contains(log.String(), "path-secret") || strings.Contains(log.String(), secret) {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestRetryThatHelps(t *testing.T) {
	t.Parallel()
	third := func(attempt int) int {
		if attempt < 3 {
			return 0
		}
		return 200
	}
	play(t, third, func(t *testing.T, b *alerts.Board, e *endpoint, _ string, _ *bytes.Buffer) {
		b.Crossed(crossing(100))
		time.Sleep(time.Hour)
		synctest.Wait()
		if hook, _ := b.Webhook(); len(e.got) != 3 || hook.Pending != 0 || hook.Failure != "" || hook.Delivered.IsZero() {
			t.Errorf("%d attempts, %+v", len(e.got), hook)
		}
	})
}

// TestPendingSurvivesRestart: what was not delivered is, by the next process.
func TestPendingSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, dir)
		down, up := &endpoint{status: always(0)}, &endpoint{status: always(200)}
		b, err := alerts.New(alerts.Config{Store: s, Transport: down})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := b.SetWebhook("https://hooks.example/")
		if err != nil {
			t.Fatal(err)
		}
		b.Crossed(crossing(80))
		synctest.Wait()
		if err := errors.Join(b.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir)
		if b, err = alerts.New(alerts.Config{Store: s, Transport: up}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(down.got) != 1 || len(up.got) != 1 || up.got[0].Header.Get("webhook-id") != down.got[0].Header.Get("webhook-id") {
			t.Errorf("%d attempts before, %d after", len(down.got), len(up.got))
		}
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify([]byte(up.bodies[0]), up.got[0].Header); err != nil {
			t.Error(err)
		}
		if err := errors.Join(b.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestRemovedWebhook: what was pending is not sent to the next one.
func TestRemovedWebhook(t *testing.T) {
	t.Parallel()
	play(t, always(500), func(t *testing.T, b *alerts.Board, e *endpoint, before string, _ *bytes.Buffer) {
		b.Crossed(crossing(80))
		synctest.Wait()
		if err := b.RemoveWebhook(); err != nil {
			t.Fatal(err)
		}
		if err := b.RemoveWebhook(); !errors.Is(err, alerts.ErrNoWebhook) {
			t.Errorf("removing it twice: %v", err)
		}
		if err := b.TestWebhook(context.Background()); !errors.Is(err, alerts.ErrNoWebhook) {
			t.Errorf("testing none: %v", err)
		}
		after, err := b.SetWebhook("https://other.example/")
		if err != nil || after == before {
			t.Errorf("the secret is the same, %v", err)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(e.got) != 1 {
			t.Errorf("%d attempts", len(e.got))
		}
	})
}

func TestTestMessage(t *testing.T) {
	t.Parallel()
	play(t, func(attempt int) int { return map[int]int{1: 200, 2: 302, 3: 0}[attempt] }, func(t *testing.T, b *alerts.Board, e *endpoint, secret string, _ *bytes.Buffer) {
		if err := b.TestWebhook(t.Context()); err != nil {
			t.Error(err)
		}
		if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil || len(key) != 32 {
			t.Errorf("%d bytes of secret, %v", len(key), err)
		}
		if !strings.Contains(e.bodies[0], `"type":"test"`) {
			t.Errorf("sent %s", e.bodies[0])
		}
		for _, why := range []string{"a redirect", "no answer"} {
			err := b.TestWebhook(t.Context())
			if !errors.Is(err, alerts.ErrNotTaken) || strings.Contains(err.Error(), "path-secret") {
				t.Errorf("%s: %v", why, err)
			}
		}
		if len(e.got) != 3 || len(b.List()) != 0 {
			t.Errorf("%d requests, %d alerts", len(e.got), len(b.List()))
		}
	})
}

// TestOverHTTP delivers over a real connection: a redirect is not followed, an
// endless answer is not read.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	followed := false
	mux := http.NewServeMux()
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/target", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/target", func(http.ResponseWriter, *http.Request) { followed = true })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d := newDesk(t)
	for path, want := range map[string]string{"/moved": "it answered 307", "/endless": ""} {
		if _, err := d.SetWebhook(server.URL + path); err != nil {
			t.Fatal(err)
		}
		err := d.TestWebhook(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
}
