package pairing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// addKey registers a key for the app's session to change over to.
func (a *app) addKey(next *dpop.Key) error {
	a.g.t.Helper()
	return a.g.AddKey(context.Background(), pairing.KeyRequest{
		Auth:  pairing.AuthRequest{Authorization: []string{"DPoP " + a.access}, Proof: a.g.proof(a.key, "/oauth/keys", a.access)},
		Proof: a.g.proof(next, "/oauth/keys", "").Headers[0],
	})
}

func TestKeyRotationOverlaps(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	old, unused, next := a.key, g.newKey(), g.newKey()
	g.must(a.addKey(unused))
	g.must(a.addKey(next))
	g.must(a.addKey(next)) // an answer that was lost
	g.restart()

	// Both are good until the new one is used.
	g.must(a.renew())
	_, err := a.use()
	g.must(err)
	before := a.access
	a.key = unused
	refused(t, a.renew(), 400, "invalid_grant")
	a.key = next
	if _, err := a.use(); !errors.Is(err, pairing.ErrInvalidToken) {
		t.Errorf("the new key with a token of the old one: %v", err)
	}
	g.must(a.renew())
	session := a.session()
	if s, err := g.Session(session); err != nil || s.Thumbprint != next.Thumbprint() || s.NextThumbprint != "" {
		t.Errorf("session is %+v (%v)", s, err)
	}

	// From then on only the new one is.
	g.restart()
	a.key, a.access = old, before
	if _, err := a.use(); !errors.Is(err, pairing.ErrInvalidToken) {
		t.Errorf("the old key: %v", err)
	}
	refused(t, a.renew(), 400, "invalid_grant")
	if app, err := g.App(a.id); err != nil || app.Thumbprint != next.Thumbprint() {
		t.Errorf("the app is bound to %q (%v)", app.Thumbprint, err)
	}
	a.key = next
	g.must(a.renew())
	a.ask("llm:openai")
	g.must(g.Approve(g.Requests()[0].ID, nil))
	g.must(a.collect())
	if g.events(audit.SessionKeyAdded) != 2 || g.events(audit.SessionKeyRetired) != 1 {
		t.Errorf("recorded %d keys added, %d retired", g.events(audit.SessionKeyAdded), g.events(audit.SessionKeyRetired))
	}
}

func TestKeyRotationNeedsBothKeys(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, next, stranger := g.pair(), g.newKey(), g.newKey()
	auth := func(key *dpop.Key) pairing.AuthRequest {
		return pairing.AuthRequest{Authorization: []string{"DPoP " + a.access}, Proof: g.proof(key, "/oauth/keys", a.access)}
	}
	for name, row := range map[string]struct {
		request pairing.KeyRequest
		status  int
		code    string
	}{
		"nothing":               {pairing.KeyRequest{}, 401, "invalid_token"},
		"a stranger's proof":    {pairing.KeyRequest{Auth: auth(stranger), Proof: g.proof(next, "/oauth/keys", "").Headers[0]}, 401, "invalid_token"},
		"no second proof":       {pairing.KeyRequest{Auth: auth(a.key)}, 400, "invalid_request"},
		"the same key":          {pairing.KeyRequest{Auth: auth(a.key), Proof: g.proof(a.key, "/oauth/keys", "").Headers[0]}, 400, "invalid_request"},
		"a proof for elsewhere": {pairing.KeyRequest{Auth: auth(a.key), Proof: g.proof(next, "/oauth/token", "").Headers[0]}, 400, "invalid_dpop_proof"},
		"no proof at all":       {pairing.KeyRequest{Auth: auth(a.key), Proof: "x"}, 400, "invalid_dpop_proof"},
	} {
		err := g.AddKey(context.Background(), row.request)
		if refused(t, err, row.status, row.code); t.Failed() {
			t.Fatal(name)
		}
	}
	g.must(g.Revoke(a.id))
	refused(t, a.addKey(next), 401, "invalid_token")

	b := g.pair()
	repair := g.breakAudit()
	refused(t, b.addKey(next), 503, "temporarily_unavailable")
	repair()
	b.key = next
	refused(t, b.renew(), 400, "invalid_grant")
}
