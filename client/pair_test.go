package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keywicket/keywicket/client"
)

func TestPairAndUse(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"", "ES256", "EdDSA", "Ed25519", "PS256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			dir := filepath.Join(t.TempDir(), "keys")
			c := paired(t, g, func(app *client.App) {
				app.Alg, app.Keys = alg, client.FileKeyStore(dir)
				app.OnPending = func(client.Pending) { t.Error("told to wait when approved at once") }
			})
			if response, body := post(t, c, "hello"); response.StatusCode != 200 || body != "hello" {
				t.Errorf("got %d %q", response.StatusCode, body)
			}
			again, err := client.Open(t.Context(), client.FileKeyStore(dir), client.App{})
			if err != nil {
				t.Fatal(err)
			}
			if response, body := post(t, again, "again"); response.StatusCode != 200 || body != "again" {
				t.Errorf("after Open: got %d %q", response.StatusCode, body)
			}
			if again.ClientID() != c.ClientID() || again.Fingerprint() != c.Fingerprint() || again.Issuer() != g.issuer {
				t.Errorf("opened %v, want %v", again, c)
			}
		})
	}
}

func TestGrantedMayBeLess(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	var asked json.RawMessage
	g.grant = func(details json.RawMessage) json.RawMessage {
		asked = details
		return json.RawMessage(`[{"type":"keywicket","identifier":"llm:openai","models":["gpt-4o-mini"],
			"expires_at":"2030-01-02T03:04:05Z","limits":[{"per":"day","requests":7}],"something_new":{"a":1}}]`)
	}
	c := paired(t, g, func(app *client.App) {
		app.Ask = []client.Permission{
			{Resource: "llm:openai", Models: []string{"gpt-4o*"}, ExpiresIn: time.Hour, Reason: "to summarise",
				Limits: []client.Limit{{Per: "day", Requests: 100}}},
			{Resource: "mail:resend"},
		}
	})
	granted := c.Granted()
	if len(granted) != 1 || granted[0].Resource != "llm:openai" || granted[0].Models[0] != "gpt-4o-mini" ||
		granted[0].Limits[0] != (client.Limit{Per: "day", Requests: 7}) || granted[0].ExpiresAt.Year() != 2030 {
		t.Errorf("granted %+v", granted)
	}
	want := `[{"type":"keywicket","identifier":"llm:openai","models":["gpt-4o*"],"limits":[{"per":"day","requests":100}],` +
		`"expires_in":3600,"reason":"to summarise"},{"type":"keywicket","identifier":"mail:resend"}]`
	if string(asked) != want {
		t.Errorf("asked for\n%s\nwant\n%s", asked, want)
	}
}

// quietly pairs in a bubble in which time passes by itself.
func quietly(t *testing.T, test func(t *testing.T, g *gateway, app client.App)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newQuietGateway(t)
		test(t, g, client.App{Name: "Notes", HTTPClient: g.quietClient(), Keys: client.MemoryKeyStore()})
	})
}

func pendingFor(polls int, then string) func(*ask) string {
	return func(a *ask) string {
		if a.polls <= polls {
			return "authorization_pending"
		}
		return then
	}
}

func TestPairWaitsForTheOwner(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		g.decide = pendingFor(3, "")
		var told []client.Pending
		app.OnPending = func(p client.Pending) { told = append(told, p) }
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].UserCode != "BCDF-GHJK" || told[0].Fingerprint != c.Fingerprint() ||
			told[0].VerificationURIComplete != g.issuer+"/device?user_code=BCDF-GHJK" || time.Until(told[0].ExpiresAt) > 10*time.Minute {
			t.Errorf("told %+v", told)
		}
		if fmt.Sprint(g.pauses) != "[5s 5s 5s]" {
			t.Errorf("pauses between polls: %v", g.pauses)
		}
	})
}

func TestPairSlowsDown(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		answers := []string{"authorization_pending", "slow_down", "authorization_pending", "slow_down", "authorization_pending", ""}
		g.decide = func(a *ask) string { return answers[a.polls-1] }
		if _, err := client.Pair(t.Context(), g.newString(), app); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(g.pauses) != "[5s 10s 10s 15s 15s]" {
			t.Errorf("pauses between polls: %v", g.pauses)
		}
	})
}

func TestPairDenied(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		g.decide = pendingFor(1, "access_denied")
		c, err := client.Pair(t.Context(), g.newString(), app)
		if !errors.Is(err, client.ErrAccessDenied) || c != nil {
			t.Fatalf("got %v, %v", c, err)
		}
		asks := g.polls
		if _, err := client.Open(t.Context(), app.Keys, app); !errors.Is(err, client.ErrAccessDenied) || g.polls != asks {
			t.Errorf("opening after a denial: %v, %d more polls", err, g.polls-asks)
		}
		g.decide = nil
		if _, err := client.Pair(t.Context(), g.newString(), app); err != nil {
			t.Errorf("pairing with a new string: %v", err)
		}
	})
}

func TestPairExpires(t *testing.T) {
	for _, row := range []struct {
		name   string
		decide func(*ask) string
	}{
		{"as the gateway says", pendingFor(2, "expired_token")},
		{"by the clock", pendingFor(1_000_000, "")},
	} {
		t.Run(row.name, func(t *testing.T) {
			quietly(t, func(t *testing.T, g *gateway, app client.App) {
				g.decide = row.decide
				began := time.Now()
				if _, err := client.Pair(t.Context(), g.newString(), app); !errors.Is(err, client.ErrExpired) {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 11*time.Minute {
					t.Errorf("waited %v for a question of ten minutes", took)
				}
				g.decide = nil
				if _, err := client.Open(t.Context(), app.Keys, app); err != nil {
					t.Errorf("asking again without a new string: %v", err)
				}
			})
		})
	}
}

func TestPairIsTakenUpAgain(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		g.decide = pendingFor(1_000, "")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c, err := client.Pair(ctx, g.newString(), app)
		if !errors.Is(err, context.DeadlineExceeded) || c != nil {
			t.Fatalf("got %v, %v", c, err)
		}
		g.decide = nil
		before := len(g.asks)
		c, err = client.Open(t.Context(), app.Keys, app)
		if err != nil || len(g.asks) != before-1 {
			t.Fatalf("%v; %d questions before, %d after", err, before, len(g.asks))
		}
		if response, _ := post(t, c, "x"); response.StatusCode != 200 {
			t.Errorf("got %d", response.StatusCode)
		}
	})
}

// TestPairOutlivesARestart: while the owner thinks, the gateway answers 502, 429 and not at all.
func TestPairOutlivesARestart(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		polls := 0
		failing := failingTransport{directly{g}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/oauth/token" {
				return nil, nil
			}
			polls++
			recorder := httptest.NewRecorder()
			switch polls {
			case 1:
				return nil, errors.New("connection refused")
			case 2:
				recorder.WriteHeader(http.StatusBadGateway)
			case 3:
				recorder.Header().Set("Retry-After", "33")
				recorder.WriteHeader(http.StatusTooManyRequests)
			default:
				return nil, nil
			}
			return recorder.Result(), nil
		}}
		app.HTTPClient = &http.Client{Transport: failing}
		began := time.Now()
		if _, err := client.Pair(t.Context(), g.newString(), app); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second+20*time.Second+40*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// failingTransport answers some requests itself.
type failingTransport struct {
	base http.RoundTripper
	fail func(*http.Request) (*http.Response, error)
}

func (f failingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if response, err := f.fail(r); response != nil || err != nil {
		return response, err
	}
	return f.base.RoundTrip(r)
}

func TestStringWorksOnce(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	text := g.newString()
	keys := client.MemoryKeyStore()
	if _, err := client.Pair(t.Context(), text, client.App{Name: "First", Keys: keys}); err != nil {
		t.Fatal(err)
	}
	kept, err := keys.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Pair(t.Context(), text, client.App{Name: "Second", Keys: keys})
	if !errors.Is(err, client.ErrStringSpent) {
		t.Errorf("got %v, want ErrStringSpent", err)
	}
	if code := text[strings.LastIndex(text, ":")+1:]; strings.Contains(fmt.Sprint(err), code) {
		t.Error("the error shows the code")
	}
	if after, err := keys.Load(); err != nil || string(after) != string(kept) {
		t.Error("a spent string has replaced a working connection")
	}
}

func TestPairNeedsAKeyStoreThatKeeps(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	text := g.newString()
	_, err := client.Pair(t.Context(), text, client.App{Name: "Notes", Keys: client.FileKeyStore(filepath.Join(file, "keys"))})
	if !errors.Is(err, client.ErrKeyStore) {
		t.Errorf("got %v, want ErrKeyStore", err)
	}
	if _, err := client.Pair(t.Context(), text, client.App{Name: "Notes"}); err != nil {
		t.Errorf("the string has been spent on nothing: %v", err)
	}
}

func TestPairRefusesOddGateways(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(map[string]any)
		want   error
	}{
		{"another issuer", func(m map[string]any) { m["issuer"] = "https://other.example" }, nil},
		{"issuer with a slash", func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" }, nil},
		{"token endpoint elsewhere", func(m map[string]any) { m["token_endpoint"] = "https://other.example/token" }, client.ErrForeignOrigin},
		{"registration elsewhere", func(m map[string]any) { m["registration_endpoint"] = "http://127.0.0.1:1/r" }, client.ErrForeignOrigin},
		{"revocation elsewhere", func(m map[string]any) { m["revocation_endpoint"] = "https://other.example/r" }, client.ErrForeignOrigin},
		{"no device endpoint", func(m map[string]any) { delete(m, "device_authorization_endpoint") }, nil},
		{"other algorithms", func(m map[string]any) { m["dpop_signing_alg_values_supported"] = []string{"ES512"} }, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.metadata = row.change
			_, err := client.Pair(t.Context(), g.newString(), client.App{Name: "Notes"})
			if err == nil || row.want != nil && !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			if len(g.apps) != 0 {
				t.Error("the code has been given away")
			}
		})
	}
}

// TestPairFollowsNoRedirect: the code must not go where the gateway's front points.
func TestPairFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(other.Close)
	g := newGateway(t)
	g.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oauth/register" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	_, err := client.Pair(t.Context(), g.newString(), client.App{Name: "Notes"})
	var failure *client.APIError
	if !errors.As(err, &failure) || failure.Status != http.StatusTemporaryRedirect || seen.Load() != 0 {
		t.Errorf("got %v; the other server was called %d times", err, seen.Load())
	}
}

func TestPairArguments(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	for name, app := range map[string]client.App{
		"no name": {}, "long name": {Name: strings.Repeat("ä", 101)}, "unknown alg": {Name: "a", Alg: "RS256"},
	} {
		if _, err := client.Pair(t.Context(), g.newString(), app); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := client.Pair(t.Context(), "pair::x", client.App{Name: "a"}); !errors.Is(err, client.ErrPairingString) {
		t.Errorf("got %v, want ErrPairingString", err)
	}
	if _, err := client.Open(t.Context(), client.MemoryKeyStore(), client.App{}); !errors.Is(err, client.ErrNotPaired) {
		t.Errorf("got %v, want ErrNotPaired", err)
	}
	if _, err := client.Open(t.Context(), nil, client.App{}); err == nil {
		t.Error("no key store: accepted")
	}
	if len(g.apps) != 0 {
		t.Error("a string has been spent on bad arguments")
	}
}

func TestPairRefusesBearerTokens(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oauth/token" {
			answer(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "refresh_token": "b"})
			return true
		}
		return false
	}
	if c, err := client.Pair(t.Context(), g.newString(), client.App{Name: "Notes"}); err == nil || c != nil {
		t.Error("a token bound to no key was accepted")
	}
}
