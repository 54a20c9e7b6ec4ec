package e2e_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
)

// TestCodeFlow pairs through the owner's browser with each kind of key, with
// and without server nonces, and asks something.
func TestCodeFlow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		alg    string
		nonces bool
	}{{"ES256", false}, {"ES256", true}, {"EdDSA", true}, {"Ed25519", false}, {"PS256", true}} {
		t.Run(row.alg, func(t *testing.T) {
			t.Parallel()
			clock := &movingClock{}
			g := start(t, clock.set, func(cfg *server.Config) { cfg.DPoPNonce = row.nonces })
			made, err := g.Admin.Pair(t.Context(), admin.PairInput{})
			if err != nil {
				t.Fatal(err)
			}
			owner := g.owner(t)
			c, err := client.PairInBrowser(t.Context(), made.PairingString, client.App{
				Name: "Notes", Alg: row.alg, Clock: clock.Now,
				Ask: []client.Permission{{Resource: "llm:openai", Models: []string{"gpt-4o*"}, ExpiresIn: 30 * 24 * time.Hour}},
			}, func(at string) error {
				answered := owner.approve(t, at)
				go func() {
					back, err := http.Get(answered)
					if err != nil || back.StatusCode != 200 {
						t.Errorf("back at the app: %v, %v", back, err)
						return
					}
					back.Body.Close()
				}()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Reductions(); len(got) != 1 || strings.Join(got[0].Less, " ") != "expires_at" {
				t.Errorf("the owner has granted a day of a month: %+v", got)
			}
			ai := sdk(c)
			for range 3 { // every five minutes another token, and another nonce
				if _, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o")); err != nil {
					t.Fatal(err)
				}
				clock.move(7 * time.Minute)
			}
		})
	}
}

func TestCodeFlowDenied(t *testing.T) {
	t.Parallel()
	g := start(t)
	made, err := g.Admin.Pair(t.Context(), admin.PairInput{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.Authorize(t.Context(), made.PairingString, client.App{
		Name: "Notes", Ask: []client.Permission{{Resource: "llm:openai"}},
	}, "https://notes.example/back")
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(g.owner(t).decide(t, a.URL, "deny", nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Complete(t.Context(), back.Query()); !errors.Is(err, client.ErrAccessDenied) {
		t.Errorf("got %v, want ErrAccessDenied", err)
	}
}
