package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

// document is what every app may do: six limits, of requests, tokens and
// dollars, none of them within reach.
const document = `{
  "resource": "llm:openai",
  "actions": ["chat.completions", "models.list"],
  "models": ["gpt-4o*", "text-embedding-3-*"],
  "deny_models": ["*-audio*"],
  "max_input_tokens": 32000,
  "max_output_tokens": 4096,
  "max_body_bytes": 1048576,
  "limits": [
    {"per": "minute", "requests": 100000000, "tokens": 100000000000},
    {"per": "day", "requests": 100000000, "tokens": 100000000000, "dollars": "1000000"},
    {"per": "month", "dollars": "10000000"},
    {"per": "lifetime", "requests": 1000000000},
    {"per": "day", "model": "gpt-4o-mini", "requests": 100000000},
    {"per": "month", "model": "gpt-4o*", "tokens": 1000000000000}
  ],
  "concurrency": 1000
}`

// nursery is a data directory in which apps are paired, without a server and
// by a clock of its own, which begins at the present and runs ahead: a session
// that was used a moment ago is not written when its token is renewed.
type nursery struct {
	dir     string
	at      time.Time
	pairing *pairing.Pairing
	close   []func() error
}

// perApp is how far the clock goes for each app: as long as a pairing string is
// good for, so that each finds the one before it expired and swept away.
const perApp = time.Minute

// raise pairs apps in a data directory until there are as many as asked for.
// It leaves the directory closed.
func raise(ctx context.Context, dir string, apps []*app, many int) (_ []*app, err error) {
	n := &nursery{dir: dir, at: time.Now()}
	defer func() {
		for i := len(n.close) - 1; i >= 0; i-- {
			if closing := n.close[i](); err == nil {
				err = closing
			}
		}
	}()
	if err := n.open(); err != nil {
		return nil, err
	}
	for len(apps) < many && ctx.Err() == nil {
		n.at = n.at.Add(perApp)
		a, err := n.pair(ctx, len(apps))
		if err != nil {
			return nil, fmt.Errorf("pairing app %d: %w", len(apps), err)
		}
		apps = append(apps, a)
	}
	return apps, ctx.Err()
}

func (n *nursery) clock() time.Time { return n.at }

func (n *nursery) open() error {
	st, err := store.Open(store.Config{Dir: n.dir})
	if err != nil {
		return err
	}
	n.close = append(n.close, st.Close)
	log, err := audit.New(audit.Config{Dir: n.dir, Key: st.Derive("audit chain"), Clock: n.clock})
	if err != nil {
		return err
	}
	n.close = append(n.close, log.Close)
	// The replay memory lives elsewhere: this one's clock runs ahead.
	away, err := os.MkdirTemp(filepath.Dir(n.dir), "replay-")
	if err != nil {
		return err
	}
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: away, Clock: n.clock})
	if err != nil {
		return err
	}
	n.close = append(n.close, replay.Close)
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: n.clock, Replay: replay})
	if err != nil {
		return err
	}
	n.at = n.at.Add(2 * time.Second) // proofs of the second of the start are refused
	n.pairing, err = pairing.New(pairing.Config{
		Store: st, Audit: log, Issuer: origin, Verifier: verifier, Clock: n.clock,
		Resources: func() []pairing.Resource {
			return []pairing.Resource{{ID: resource, Title: "OpenAI", Actions: []string{"chat.completions", "models.list"}}}
		},
	})
	if err == nil {
		n.close = append(n.close, n.pairing.Close)
	}
	return err
}

// pair takes one app from the owner's pairing string to its refresh token.
func (n *nursery) pair(ctx context.Context, number int) (*app, error) {
	granted, err := policy.Parse([]byte(document), n.at)
	if err != nil {
		return nil, err
	}
	offer, err := n.pairing.CreateString(pairing.StringOptions{TTL: perApp, Preset: []policy.Document{granted}, Approve: true})
	if err != nil {
		return nil, err
	}
	code := offer.Value[strings.LastIndex(offer.Value, ":")+1:]
	registered, err := n.pairing.Redeem(ctx, pairing.RedeemRequest{
		Authorization: []string{"Bearer " + code}, Metadata: fmt.Appendf(nil, `{"client_name":"Bench %d"}`, number),
	})
	if err != nil {
		return nil, err
	}
	a := &app{id: registered.ClientID}
	if a.key, err = dpop.GenerateKey(dpop.Ed25519, nil); err != nil {
		return nil, err
	}
	asked, err := n.pairing.AskDevice(ctx, pairing.DeviceRequest{ClientID: a.id})
	if err != nil {
		return nil, err
	}
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: origin + "/oauth/token"}, n.at)
	if err != nil {
		return nil, err
	}
	tokens, err := n.pairing.Token(ctx, pairing.TokenRequest{
		GrantType: pairing.GrantDeviceCode, ClientID: a.id, DeviceCode: asked.DeviceCode, Proof: dpop.Request{Headers: []string{proof}},
	})
	a.refresh = tokens.RefreshToken
	return a, err
}
