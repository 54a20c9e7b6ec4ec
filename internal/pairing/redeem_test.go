package pairing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

func TestOneOfAThousandRedemptionsWins(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	g.clock.Advance(9*time.Minute + 59*time.Second)
	var won, lost atomic.Int64
	var wait sync.WaitGroup
	for range 1000 {
		wait.Go(func() {
			_, err := g.redeem(code, `{"client_name":"Racer"}`)
			e, refused := errors.AsType[*pairing.OAuthError](err)
			switch {
			case err == nil:
				won.Add(1)
			case refused && e.Code == "invalid_token":
				lost.Add(1)
			default:
				t.Errorf("redeeming: %v", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || lost.Load() != 999 {
		t.Errorf("%d redemptions won and %d lost, want 1 and 999", won.Load(), lost.Load())
	}
	if apps, lines := len(g.Apps()), g.events(audit.StringRedeemed); apps != 1 || lines != 1 {
		t.Errorf("%d apps and %d audit lines, want one of each", apps, lines)
	}
	g.restart()
	_, err := g.redeem(code, `{}`)
	refused(t, err, 401, "invalid_token")
	if n := len(g.Apps()); n != 1 {
		t.Errorf("%d apps after a restart, want 1", n)
	}
}

func TestPairingStringExpires(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ttl, after time.Duration
		good       bool
	}{
		{0, 10*time.Minute - time.Second, true},
		{0, 10 * time.Minute, false},
		{0, 10*time.Minute + time.Second, false},
		{time.Hour, 59 * time.Minute, true},
		{time.Hour, time.Hour, false},
		{time.Minute, time.Minute, false},
	} {
		g := newGateway(t)
		code := g.code(pairing.StringOptions{TTL: row.ttl})
		g.clock.Advance(row.after)
		_, err := g.redeem(code, `{}`)
		if row.good {
			g.must(err)
			continue
		}
		refused(t, err, 401, "invalid_token")
		if n := len(g.Apps()); n != 0 {
			t.Errorf("ttl %v, after %v: %d apps, want none", row.ttl, row.after, n)
		}
	}
}

func TestStringOptions(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	openai := policy.Document{Resource: "llm:openai"}
	for name, o := range map[string]pairing.StringOptions{
		"too short":                  {TTL: 59 * time.Second},
		"too long":                   {TTL: 61 * time.Minute},
		"negative":                   {TTL: -time.Minute},
		"approve without a preset":   {Approve: true},
		"unknown resource":           {Preset: []policy.Document{{Resource: "llm:nobody"}}},
		"unknown action":             {Preset: []policy.Document{{Resource: "llm:openai", Actions: []string{"emails.send"}}}},
		"two documents, one subject": {Preset: []policy.Document{openai, openai}},
		"document that says nothing": {Preset: []policy.Document{{}}},
	} {
		if _, err := g.CreateString(o); !errors.Is(err, pairing.ErrStringOptions) {
			t.Errorf("%s: got %v, want ErrStringOptions", name, err)
		}
	}
	if n := g.events(audit.StringCreated); n != 0 {
		t.Errorf("%d audit lines for strings that were not made", n)
	}
	for range 256 {
		g.code(pairing.StringOptions{})
	}
	if _, err := g.CreateString(pairing.StringOptions{}); !errors.Is(err, pairing.ErrStringOptions) {
		t.Errorf("257th open string: got %v, want ErrStringOptions", err)
	}
	g.clock.Advance(10 * time.Minute)
	g.code(pairing.StringOptions{})
}

func TestInitialAccessToken(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	key := g.newKey()
	good := g.proof(key, "/oauth/register", code)
	for name, row := range map[string]struct {
		authorization []string
		proof         dpop.Request
		code          string
		challenge     string
	}{
		"nothing":              {nil, dpop.Request{}, "invalid_token", `Bearer realm="keywicket", DPoP algs="` + dpop.Algorithms + `"`},
		"unknown code":         {[]string{"Bearer " + strings.Repeat("A", 43)}, dpop.Request{}, "invalid_token", `Bearer error="invalid_token"`},
		"hash as code":         {[]string{"Bearer "}, dpop.Request{}, "invalid_token", `Bearer error="invalid_token"`},
		"other scheme":         {[]string{"Basic " + code}, dpop.Request{}, "invalid_token", `Bearer error="invalid_token"`},
		"two headers":          {[]string{"Bearer " + code, "Bearer " + code}, dpop.Request{}, "invalid_token", `Bearer error="invalid_token"`},
		"oversized":            {[]string{"Bearer " + strings.Repeat("A", 4096)}, dpop.Request{}, "invalid_token", `Bearer error="invalid_token"`},
		"DPoP, unknown code":   {[]string{"DPoP " + strings.Repeat("A", 43)}, good, "invalid_token", `DPoP error="invalid_token", algs="` + dpop.Algorithms + `"`},
		"DPoP without a proof": {[]string{"DPoP " + code}, dpop.Request{}, "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="` + dpop.Algorithms + `"`},
		"proof without ath":    {[]string{"DPoP " + code}, g.proof(key, "/oauth/register", ""), "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="` + dpop.Algorithms + `"`},
		"proof for elsewhere":  {[]string{"DPoP " + code}, g.proof(key, "/oauth/token", code), "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="` + dpop.Algorithms + `"`},
		"Bearer, bad proof":    {[]string{"Bearer " + code}, dpop.Request{Headers: []string{"x.y.z"}}, "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="` + dpop.Algorithms + `"`},
	} {
		_, err := g.Redeem(context.Background(), pairing.RedeemRequest{
			Authorization: row.authorization, Proof: row.proof, Metadata: []byte(`{}`),
		})
		if e := refused(t, err, 401, row.code); e.Challenge != row.challenge {
			t.Errorf("%s: challenge %q, want %q", name, e.Challenge, row.challenge)
		}
	}
	// None of that used the string up.
	r, err := g.Redeem(context.Background(), pairing.RedeemRequest{
		Authorization: []string{"dpop " + code}, Proof: good, Metadata: []byte(`{}`),
	})
	g.must(err)
	if a, err := g.App(r.ClientID); err != nil || a.Thumbprint != key.Thumbprint() {
		t.Errorf("app is bound to %q (%v), want the key of the proof", a.Thumbprint, err)
	}
}

func TestClientMetadata(t *testing.T) {
	t.Parallel()
	const native = `"grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"token_endpoint_auth_method":"none"`
	for _, row := range []struct{ metadata, name, uri string }{
		{`{}`, "Unnamed app", ""},
		{`{"client_name":"  My\t app \n two "}`, "My app two", ""},
		{`{"client_name":"日本語 café 🗝️"}`, "日本語 café 🗝️", ""},
		{`{"client_name":"A","client_uri":"https://a.example/x?y=1",` + native + `,"logo_uri":7,"jwks":{"keys":[]}}`, "A", "https://a.example/x?y=1"},
		{`{"client_name":"` + strings.Repeat("é", 80) + `"}`, strings.Repeat("é", 80), ""},
	} {
		g := newGateway(t)
		r, err := g.redeem(g.code(pairing.StringOptions{}), row.metadata)
		g.must(err)
		if r.ClientName != row.name || r.ClientURI != row.uri {
			t.Errorf("%s: registered %q %q", row.metadata, r.ClientName, r.ClientURI)
		}
		if !r.DPoPBoundAccessTokens || r.TokenEndpointAuthMethod != "none" || len(r.GrantTypes) != 2 || r.ClientIDIssuedAt != g.clock.Now().Unix() {
			t.Errorf("%s: registered %+v", row.metadata, r)
		}
	}
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	for _, metadata := range []string{
		``, `null{}`, `[]`, `{"client_name":"A"`, `{} {}`,
		`{"client_name":"A","client_name":"B"}`, "{\"client_name\":\"\xff\"}", `{"client_name":7}`,
		`{"client_name":""}`, `{"client_name":"   "}`, `{"client_name":"` + strings.Repeat("x", 81) + `"}`,
		`{"client_name":"a\u0000b"}`, `{"client_name":"a\u001b[2Jb"}`, `{"client_name":"a\u202egnp.exe"}`,
		`{"client_name":"a\u2066b"}`, `{"client_name":"a\u200bb"}`, `{"client_name":"\u3164"}`, `{"client_name":"\u2800"}`,
		`{"client_name":"\ufffd"}`, `{"client_name":"a\u0301\u0301\u0301\u0301"}`,
		`{"client_uri":"javascript:alert(1)"}`, `{"client_uri":"/relative"}`, `{"client_uri":"https://"}`,
		`{"client_uri":"https://owner@a.example"}`, `{"client_uri":"https://a.example/ b"}`, `{"client_uri":"https://ä.example"}`,
		`{"client_uri":"https://a.example/` + strings.Repeat("x", 512) + `"}`,
		`{"grant_types":["authorization_code"]}`, `{"grant_types":[]}`, `{"grant_types":"x"}`,
		`{"token_endpoint_auth_method":"client_secret_basic"}`,
	} {
		_, err := g.redeem(code, metadata)
		refused(t, err, 400, "invalid_client_metadata")
	}
	_, err := g.redeem(code, `{}`) // bad metadata left the string open
	g.must(err)
}

func TestRedemptionThatCannotBeRecordedDoesNotHappen(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	repair := g.breakAudit()
	_, err := g.redeem(code, `{}`)
	if e := refused(t, err, 503, "temporarily_unavailable"); e.RetryAfter <= 0 {
		t.Error("no Retry-After")
	}
	if _, err := g.CreateString(pairing.StringOptions{}); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("making a string: got %v, want audit.ErrUnavailable", err)
	}
	if n := len(g.Apps()); n != 0 {
		t.Errorf("%d apps, want none", n)
	}
	repair()
	_, err = g.redeem(code, `{}`)
	g.must(err)
}

func TestFrozenGatewayKeepsPairingStringsGood(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	g.must(g.Freeze())
	_, err := g.redeem(code, `{}`)
	refused(t, err, 503, "temporarily_unavailable")
	g.must(g.Thaw())
	_, err = g.redeem(code, `{}`)
	g.must(err)
}

func TestSecretsAreNotInAnyFile(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	open := g.code(pairing.StringOptions{})
	a := g.pair()
	files, err := os.ReadDir(g.dir)
	g.must(err)
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(g.dir, f.Name()))
		g.must(err)
		for name, secret := range map[string]string{
			"pairing code": open, "device code": a.device, "refresh token": a.refresh, "access token": a.access,
		} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("the %s is in %s", name, f.Name())
			}
		}
	}
}
