package client_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keywicket/keywicket/client"
)

// TestOneRenewalForAll: a hundred requests find their token invalid at once.
func TestOneRenewalForAll(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	g.expireTokens()
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			response, err := c.HTTPClient().Get(c.BaseURL("llm:openai") + "/models")
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			if response.StatusCode != 200 {
				t.Errorf("got %d", response.StatusCode)
			}
		})
	}
	group.Wait()
	if n := g.count(&g.renewals); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
	if n := g.count(&g.passed); n != 100 {
		t.Errorf("%d requests passed, want 100", n)
	}
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			time.Sleep(20 * time.Second)
			post(t, c, "x")
		}
		if g.renewals != 4 || g.refused != 0 { // every 4 min 40 s
			t.Errorf("%d renewals and %d refusals in 20 minutes", g.renewals, g.refused)
		}
	})
}

// TestTokenIsUsedToItsEnd: while the token is good, a gateway that cannot renew is no reason to fail.
func TestTokenIsUsedToItsEnd(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		away := errors.New("connection refused")
		app.HTTPClient = &http.Client{Transport: failingTransport{directly{g}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" && g.passed > 0 {
				return nil, away
			}
			return nil, nil
		}}}
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		post(t, c, "x")
		time.Sleep(4*time.Minute + 50*time.Second)
		if response, _ := post(t, c, "y"); response.StatusCode != 200 {
			t.Errorf("got %d", response.StatusCode)
		}
		time.Sleep(time.Minute)
		if _, err := c.HTTPClient().Get(c.BaseURL("llm:openai")); !errors.Is(err, away) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestRenewalOutlivesItsRequest: the request that began it gives up, the others wait on.
func TestRenewalOutlivesItsRequest(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		slow := failingTransport{directly{g}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" && g.passed > 0 {
				time.Sleep(10 * time.Second)
			}
			return nil, r.Context().Err()
		}}
		app.HTTPClient = &http.Client{Transport: slow}
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		post(t, c, "x")
		time.Sleep(6 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL("llm:openai"), nil)
			if _, err := c.HTTPClient().Do(request); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one: %v", err)
			}
		}()
		synctest.Wait()
		if response, _ := post(t, c, "y"); response.StatusCode != 200 || g.renewals != 1 {
			t.Errorf("the patient one: %d after %d renewals", response.StatusCode, g.renewals)
		}
	})
}

func TestRevokedSessionIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	post(t, c, "x")
	g.endSessions()
	for range 3 {
		_, err := c.HTTPClient().Get(c.BaseURL("llm:openai"))
		if !errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("got %v, want ErrSessionEnded", err)
		}
	}
	if n := g.count(&g.renewals); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	keys := client.MemoryKeyStore()
	c := paired(t, g, func(app *client.App) { app.Keys = keys })
	g.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if err := c.Revoke(t.Context()); err == nil {
		t.Error("revoked without the gateway")
	}
	if _, err := keys.Load(); err != nil {
		t.Errorf("forgotten without the gateway: %v", err)
	}
	g.intercept = nil
	if err := c.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Load(); !errors.Is(err, client.ErrNotPaired) {
		t.Errorf("still kept: %v", err)
	}
	if _, err := c.HTTPClient().Get(c.BaseURL("llm:openai")); !errors.Is(err, client.ErrSessionEnded) {
		t.Errorf("still usable: %v", err)
	}
	if len(g.sessions) != 0 {
		t.Error("the session lives on")
	}
	if err := c.Revoke(t.Context()); err != nil {
		t.Errorf("revoking again: %v", err)
	}
}

// TestKeyStoreThatFails: a token that has been renewed is good even if it cannot be written down that the owner has
// changed what is granted.
func TestKeyStoreThatFails(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	keys := &failingStore{KeyStore: client.MemoryKeyStore()}
	c := paired(t, g, func(app *client.App) { app.Keys = keys })
	g.mu.Lock()
	for _, s := range g.sessions {
		s.details = []byte(`[{"type":"keywicket","identifier":"llm:other"}]`)
	}
	g.mu.Unlock()
	g.expireTokens()
	keys.fail.Store(true)
	if response, _ := post(t, c, "x"); response.StatusCode != 200 {
		t.Errorf("got %d", response.StatusCode)
	}
	if granted := c.Granted(); len(granted) != 1 || granted[0].Resource != "llm:other" {
		t.Errorf("granted %+v", granted)
	}
}

type failingStore struct {
	client.KeyStore
	fail atomic.Bool
}

func (s *failingStore) Save(data []byte) error {
	if s.fail.Load() {
		return errors.New("disk full")
	}
	return s.KeyStore.Save(data)
}
