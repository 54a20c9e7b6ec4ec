package pairing_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, b, gone, ended := g.pair(), g.pair(), g.pair(), g.pair()
	g.must(g.Revoke(gone.id))
	g.must(g.EndSession(ended.session()))
	old := a.access
	g.clock.Advance(pairing.AccessTokenLife)
	g.must(a.renew())
	g.must(b.renew())

	const url = issuer + "/r/llm/openai/v1/models"
	sign := func(key *dpop.Key, token string) []string {
		proof, err := key.Sign(dpop.Claims{Method: "GET", URL: url, AccessToken: token}, g.clock.Now())
		g.must(err)
		return []string{proof}
	}
	used := sign(a.key, a.access)
	payload := strings.Split(a.access, ".")
	swapped := strings.Join([]string{payload[0], strings.Split(b.access, ".")[1], payload[2]}, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + payload[1] + "."
	for _, row := range []struct {
		name          string
		authorization []string
		proof         []string
		want          error
	}{
		{"good", []string{"DPoP " + a.access}, used, nil},
		{"scheme in lower case", []string{"dpop " + a.access}, sign(a.key, a.access), nil},
		{"nothing", nil, nil, pairing.ErrNoCredentials},
		{"a proof alone", nil, sign(a.key, ""), pairing.ErrNoCredentials},
		{"as Bearer", []string{"Bearer " + a.access}, sign(a.key, a.access), pairing.ErrInvalidToken},
		{"two headers", []string{"DPoP " + a.access, "DPoP " + a.access}, sign(a.key, a.access), pairing.ErrInvalidToken},
		{"no token", []string{"DPoP "}, sign(a.key, a.access), pairing.ErrInvalidToken},
		{"refresh token", []string{"DPoP " + a.refresh}, sign(a.key, a.refresh), pairing.ErrInvalidToken},
		{"expired", []string{"DPoP " + old}, sign(a.key, old), pairing.ErrInvalidToken},
		{"app revoked", []string{"DPoP " + gone.access}, sign(gone.key, gone.access), pairing.ErrInvalidToken},
		{"session ended", []string{"DPoP " + ended.access}, sign(ended.key, ended.access), pairing.ErrInvalidToken},
		{"oversized", []string{"DPoP " + strings.Repeat("A", 1<<20)}, sign(a.key, a.access), pairing.ErrInvalidToken},
		{"claims of another", []string{"DPoP " + swapped}, sign(b.key, swapped), pairing.ErrInvalidToken},
		{"alg none", []string{"DPoP " + none}, sign(a.key, none), pairing.ErrInvalidToken},
		{"padded signature", []string{"DPoP " + a.access + "="}, sign(a.key, a.access+"="), pairing.ErrInvalidToken},
		{"fourth part", []string{"DPoP " + a.access + ".x"}, sign(a.key, a.access+".x"), pairing.ErrInvalidToken},
		{"no proof", []string{"DPoP " + a.access}, nil, dpop.ErrInvalidProof},
		{"two proofs", []string{"DPoP " + a.access}, append(sign(a.key, a.access), sign(a.key, a.access)...), dpop.ErrInvalidProof},
		{"another's key", []string{"DPoP " + a.access}, sign(b.key, a.access), pairing.ErrInvalidToken},
		{"proof for another token", []string{"DPoP " + a.access}, sign(a.key, b.access), dpop.ErrInvalidProof},
		{"replayed", []string{"DPoP " + a.access}, used, dpop.ErrInvalidProof},
	} {
		caller, err := g.Authenticate(pairing.AuthRequest{
			Authorization: row.authorization, Proof: dpop.Request{Headers: row.proof, Method: "GET", URL: url},
		})
		if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.want)
		}
		if (row.want == nil) != (caller != nil && caller.App.ID == a.id && caller.Session.AppID == a.id) {
			t.Errorf("%s: caller is %+v", row.name, caller)
		}
	}
}

// Another resource server can verify the tokens by the published key set.
func TestAccessTokensAreRFC9068(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	set, err := jwk.Parse(g.JWKS())
	g.must(err)
	key, _ := set.Key(0)
	token, err := jwt.Parse([]byte(a.access), jwt.WithKeySet(set), jwt.WithValidate(true),
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithClock(jwt.ClockFunc(g.clock.Now)))
	g.must(err)
	for name, want := range map[string]string{"client_id": a.id, "sub": a.id, "sid": a.session()} {
		if got, _ := token.Get(name); got != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	if token.JwtID() == "" || !token.Expiration().Equal(g.clock.Now().Add(5*time.Minute)) || !token.IssuedAt().Equal(g.clock.Now()) {
		t.Errorf("jti %q, iat %v, exp %v", token.JwtID(), token.IssuedAt(), token.Expiration())
	}
	message, err := jws.Parse([]byte(a.access))
	g.must(err)
	header := message.Signatures()[0].ProtectedHeaders()
	if header.Type() != "at+jwt" || header.Algorithm() != jwa.EdDSA || header.KeyID() != key.KeyID() {
		t.Errorf("header is %v", header)
	}
	if _, private := key.Get("d"); private || key.KeyUsage() != "sig" {
		t.Error("the key set shows more than a verification key")
	}
}

func TestAuthenticateTouchesNoDisk(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	g.must(g.store.Close())
	g.must(g.audit.Close())
	if _, err := a.use(); err != nil {
		t.Errorf("with the store closed: %v", err)
	}
}

// Renewing in a loop must not turn into writing in a loop.
func TestRenewalsWriteAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	g.must(g.store.Close())
	for range 3 {
		g.clock.Advance(19 * time.Second)
		g.must(a.renew())
	}
	g.clock.Advance(3 * time.Second)
	refused(t, a.renew(), 500, "server_error") // the write that is due now fails
}

func TestSuspendedAppsAuthenticate(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	g.must(g.Suspend(a.id))
	caller, err := a.use()
	g.must(err)
	if caller.App.Status != pairing.AppSuspended {
		t.Errorf("status is %q", caller.App.Status)
	}
	g.must(a.renew())
}

func TestSessionsExpireWhenIdle(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	for range 3 {
		g.clock.Advance(pairing.IdleExpiry - time.Second)
		g.must(a.renew())
	}
	g.clock.Advance(pairing.IdleExpiry)
	refused(t, a.renew(), 400, "invalid_grant")
	if n := len(g.Sessions(a.id)); n != 0 {
		t.Errorf("%d live sessions, want none", n)
	}
	g.restart()
	refused(t, a.renew(), 400, "invalid_grant")
}

func TestSessionsOfOneAppAreBounded(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	first, session := a.refresh, a.session()
	var told []pairing.Change
	g.Watch(func(c pairing.Change) {
		if c.Kind != pairing.ChangePermission {
			told = append(told, c)
		}
		if c.Kind == pairing.ChangeSessionEnded && g.Active(c.SessionID) {
			t.Error("active when the watcher was called")
		}
	})
	for range 32 {
		g.clock.Advance(time.Second)
		a.ask("llm:openai")
		g.must(g.Approve(g.Requests()[0].ID, nil))
		g.must(a.collect())
	}
	if n := len(g.Sessions(a.id)); n != 32 {
		t.Errorf("%d live sessions, want 32", n)
	}
	a.refresh = first
	refused(t, a.renew(), 400, "invalid_grant")
	// What runs in the session that had to go must stop.
	want := []pairing.Change{{Kind: pairing.ChangeSessionEnded, AppID: a.id, SessionID: session}}
	if !slices.Equal(told, want) || g.events(audit.SessionRevoked) != 1 {
		t.Errorf("watcher was told %+v, want %+v; %d audit lines", told, want, g.events(audit.SessionRevoked))
	}
}

func TestLastUse(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	g.clock.Advance(2 * time.Minute)
	if _, err := a.use(); err != nil {
		t.Fatal(err)
	}
	at := g.clock.Now()
	check := func(when string) {
		t.Helper()
		got, err := g.App(a.id)
		g.must(err)
		if s := g.Sessions(a.id); !got.LastUsedAt.Equal(at) || len(s) == 1 && !s[0].LastUsedAt.Equal(at) {
			t.Errorf("%s: last used at %v, sessions %v, want %v", when, got.LastUsedAt, s, at)
		}
	}
	check("in memory")
	g.must(g.Close())
	g.restart()
	check("after an orderly stop")
	g.clock.Advance(2 * time.Minute)
	g.must(a.renew())
	at = g.clock.Now()
	g.restart()
	check("after a renewal and a kill")
	g.must(g.EndSession(g.Sessions(a.id)[0].ID))
	g.restart()
	check("after the session ended")
}
