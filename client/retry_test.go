package client_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
)

// refuseTimes answers the first requests under /r/ with a challenge.
func refuseTimes(times int64, code string, sent *atomic.Int64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/r/") || sent.Add(1) > times {
			return false
		}
		w.Header().Set("WWW-Authenticate", `DPoP error="`+code+`", algs="ES256"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

func TestWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		times  int64 // refusals before an answer
		code   string
		status int
		sent   int64
	}{
		{"token refused once", 1, "invalid_token", 200, 2},
		{"token refused always", 99, "invalid_token", 401, 2},
		{"proof refused once", 1, "invalid_dpop_proof", 200, 2},
		{"proof refused always", 99, "invalid_dpop_proof", 401, 2},
		{"nonce asked for and not given", 99, "use_dpop_nonce", 401, 1},
		{"another challenge", 99, "insufficient_scope", 401, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			c := paired(t, g)
			var sent atomic.Int64
			g.intercept = refuseTimes(row.times, row.code, &sent)
			response, body := post(t, c, "hello")
			if response.StatusCode != row.status || row.status == 200 && body != "hello" {
				t.Errorf("got %d %q, want %d", response.StatusCode, body, row.status)
			}
			if sent.Load() != row.sent {
				t.Errorf("sent %d times, want %d", sent.Load(), row.sent)
			}
		})
	}
}

// TestWhatIsNotSentAgain: what the provider may have seen is the caller's to repeat.
func TestWhatIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504} {
		g := newGateway(t)
		c := paired(t, g)
		g.upstream = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		}
		if response, _ := post(t, c, "x"); response.StatusCode != status {
			t.Errorf("got %d, want %d", response.StatusCode, status)
		}
		if n := g.count(&g.passed); n != 1 {
			t.Errorf("%d: sent %d times", status, n)
		}
	}
	g := newGateway(t)
	c := paired(t, g)
	g.upstream = func(w http.ResponseWriter, _ *http.Request, _ []byte) { panic(http.ErrAbortHandler) }
	if _, err := c.HTTPClient().Post(c.BaseURL("llm:openai"), "text/plain", strings.NewReader("x")); err == nil {
		t.Error("a connection that breaks off gives no error")
	}
	if n := g.count(&g.passed); n != 1 {
		t.Errorf("broken connection: sent %d times", n)
	}
}

func TestNonces(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.nonce = "first"
	c := paired(t, g)
	if response, _ := post(t, c, "x"); response.StatusCode != 200 {
		t.Errorf("got %d", response.StatusCode)
	}
	refused := g.count(&g.refused)
	g.mu.Lock()
	g.nonce = "second"
	g.mu.Unlock()
	if response, body := post(t, c, "y"); response.StatusCode != 200 || body != "y" {
		t.Errorf("after a change of nonce: %d %q", response.StatusCode, body)
	}
	if n := g.count(&g.refused) - refused; n != 1 {
		t.Errorf("%d refusals, want 1", n)
	}
}

// TestClockOff: an app whose clock is wrong learns the gateway's time from its first refusal.
func TestClockOff(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, -2 * time.Minute, 20 * time.Second, time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			quietly(t, func(t *testing.T, g *gateway, app client.App) {
				time.Sleep(2 * time.Hour) // so that no proof is dated before the gateway's start
				app.Clock = func() time.Time { return time.Now().Add(off) }
				c, err := client.Pair(t.Context(), g.newString(), app)
				if err != nil {
					t.Fatal(err)
				}
				if response, _ := post(t, c, "x"); response.StatusCode != 200 || g.refused != 1 {
					t.Errorf("got %d after %d refusals", response.StatusCode, g.refused)
				}
			})
		})
	}
}

// TestGatewayStartedAgain: a gateway that was killed and is back within the second refuses the proofs of that second.
func TestGatewayStartedAgain(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		g.close()
		if err := g.start(g.dir); err != nil {
			t.Fatal(err)
		}
		if response, body := post(t, c, "hello"); response.StatusCode != 200 || body != "hello" || g.refused != 1 {
			t.Errorf("got %d %q after %d refusals", response.StatusCode, body, g.refused)
		}
	})
}
