package pairing_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// TestWatchersSeeTheNewState checks the order that the kill switch stands on:
// when a watcher is told to cut, no check lets anything new through.
func TestWatchersSeeTheNewState(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cut  func(g *gateway, a *app, session string) error
		want func(a *app, session string) pairing.Change
		kind audit.Kind
	}{
		{"revoke", func(g *gateway, a *app, _ string) error { return g.Revoke(a.id) },
			func(a *app, _ string) pairing.Change {
				return pairing.Change{Kind: pairing.ChangeRevoked, AppID: a.id}
			}, audit.AppRevoked},
		{"suspend", func(g *gateway, a *app, _ string) error { return g.Suspend(a.id) },
			func(a *app, _ string) pairing.Change {
				return pairing.Change{Kind: pairing.ChangeSuspended, AppID: a.id}
			}, audit.AppSuspended},
		{"freeze", func(g *gateway, _ *app, _ string) error { return g.Freeze() },
			func(*app, string) pairing.Change { return pairing.Change{Kind: pairing.ChangeFrozen} }, audit.GatewayFrozen},
		{"end session", func(g *gateway, _ *app, s string) error { return g.EndSession(s) },
			func(a *app, s string) pairing.Change {
				return pairing.Change{Kind: pairing.ChangeSessionEnded, AppID: a.id, SessionID: s}
			}, audit.SessionRevoked},
		{"revoke token", func(g *gateway, a *app, _ string) error {
			return g.RevokeToken(context.Background(), pairing.RevokeRequest{ClientID: a.id, Token: a.access})
		}, func(a *app, s string) pairing.Change {
			return pairing.Change{Kind: pairing.ChangeSessionEnded, AppID: a.id, SessionID: s}
		}, audit.SessionRevoked},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			a := g.pair()
			session := a.session()
			var told []pairing.Change
			g.Watch(func(c pairing.Change) {
				told = append(told, c)
				if g.Active(session) {
					t.Error("the session was still active when the watcher was called")
				}
				if caller, err := a.use(); err == nil && caller.App.Status == pairing.AppActive && !g.Frozen() {
					t.Error("a new request got through when the watcher was called")
				}
			})
			if !g.Active(session) {
				t.Fatal("the session is not active to begin with")
			}
			g.must(row.cut(g, a, session))
			g.must(row.cut(g, a, session)) // again: nothing more happens
			if !slices.Equal(told, []pairing.Change{row.want(a, session)}) {
				t.Errorf("watcher was told %+v", told)
			}
			if n := g.events(row.kind); n != 1 {
				t.Errorf("recorded %d times, want once", n)
			}
			g.restart()
			if g.Active(session) {
				t.Error("active again after a restart")
			}
		})
	}
}

// Whoever watches must learn that a permission has become another one, when it
// is the new one that checks find.
func TestWatchersLearnOfReplacedPermissions(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	var told []pairing.Change
	g.Watch(func(c pairing.Change) {
		told = append(told, c)
		if perm, err := g.Permission(a.id, "llm:openai"); err != nil || perm.Document.Streaming != policy.Deny {
			t.Errorf("the watcher found %+v (%v)", perm.Document, err)
		}
	})
	approve := func(document policy.Document) {
		t.Helper()
		a.ask(document.Resource)
		g.must(g.Approve(g.Requests()[0].ID, []policy.Document{document}))
	}
	approve(policy.Document{Resource: "llm:openai", Streaming: policy.Deny})
	approve(policy.Document{Resource: "mail:resend"}) // nothing is replaced
	if want := []pairing.Change{{Kind: pairing.ChangePermission, AppID: a.id}}; !slices.Equal(told, want) {
		t.Errorf("watcher was told %+v, want %+v", told, want)
	}
}

// A full disk must not keep anything alive.
func TestKillSwitchWorksWithoutAuditAndStore(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*gateway, *app, string) error{
		"revoke":      func(g *gateway, a *app, _ string) error { return g.Revoke(a.id) },
		"suspend":     func(g *gateway, a *app, _ string) error { return g.Suspend(a.id) },
		"freeze":      func(g *gateway, _ *app, _ string) error { return g.Freeze() },
		"end session": func(g *gateway, _ *app, s string) error { return g.EndSession(s) },
	} {
		for broken, smash := range map[string]func(*gateway){
			"audit": func(g *gateway) { g.must(g.audit.Close()) },
			"store": func(g *gateway) { g.must(g.store.Close()) },
			"both":  func(g *gateway) { g.must(errors.Join(g.audit.Close(), g.store.Close())) },
		} {
			g := newGateway(t)
			a := g.pair()
			session := a.session()
			told := 0
			g.Watch(func(pairing.Change) { told++ })
			smash(g)
			if err := cut(g, a, session); !errors.Is(err, pairing.ErrNotRecorded) {
				t.Errorf("%s without %s: got %v, want ErrNotRecorded", name, broken, err)
			}
			if g.Active(session) || told != 1 {
				t.Errorf("%s without %s: active %v, watchers called %d times", name, broken, g.Active(session), told)
			}
		}
	}
}

func TestResumeAndThawNeedTheAuditLog(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	session := a.session()
	g.must(g.Suspend(a.id))
	g.must(g.Freeze())
	repair := g.breakAudit()
	if err := g.Resume(a.id); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("resume: got %v", err)
	}
	if err := g.Thaw(); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("thaw: got %v", err)
	}
	if got, _ := g.App(a.id); got.Status != pairing.AppSuspended || !g.Frozen() {
		t.Errorf("status %q, frozen %v", got.Status, g.Frozen())
	}
	repair()
	g.must(g.Resume(a.id))
	if g.Active(session) {
		t.Error("active while frozen")
	}
	g.must(g.Thaw())
	if !g.Active(session) {
		t.Error("not active though resumed and thawed")
	}
}

func TestRevokedAppsAreOver(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	waiting := &app{g: g, key: a.key, id: a.id}
	waiting.ask("llm:openai")
	asked := g.Requests()[0].ID
	g.must(g.Revoke(a.id))
	check := func() {
		t.Helper()
		for name, err := range map[string]error{
			"suspend": g.Suspend(a.id), "resume": g.Resume(a.id),
		} {
			if !errors.Is(err, pairing.ErrAppRevoked) {
				t.Errorf("%s: got %v, want ErrAppRevoked", name, err)
			}
		}
		if err := g.Approve(asked, nil); !errors.Is(err, pairing.ErrNoRequest) {
			t.Errorf("approve: got %v, want ErrNoRequest", err)
		}
		if _, err := a.use(); !errors.Is(err, pairing.ErrInvalidToken) {
			t.Errorf("use: got %v, want ErrInvalidToken", err)
		}
		refused(t, a.renew(), 400, "invalid_client")
		refused(t, waiting.collect(), 400, "invalid_client")
		if _, err := g.Permission(a.id, "llm:openai"); !errors.Is(err, pairing.ErrNotGranted) {
			t.Errorf("permission: got %v, want ErrNotGranted", err)
		}
		if got, err := g.App(a.id); err != nil || got.Status != pairing.AppRevoked || len(g.Sessions(a.id)) != 0 {
			t.Errorf("the owner sees %+v (%v)", got, err)
		}
	}
	check()
	g.restart()
	check()
	for name, err := range map[string]error{
		"suspend": g.Suspend("app_x"), "resume": g.Resume("app_x"), "revoke": g.Revoke("app_x"),
	} {
		if !errors.Is(err, pairing.ErrNoApp) {
			t.Errorf("%s of nobody: got %v, want ErrNoApp", name, err)
		}
	}
}

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, b := g.pair(), g.pair()
	revoke := func(client, token string) error {
		return g.RevokeToken(context.Background(), pairing.RevokeRequest{ClientID: client, Token: token})
	}
	refused(t, revoke("", a.refresh), 400, "invalid_request")
	refused(t, revoke("app_x", a.refresh), 400, "invalid_client")
	refused(t, revoke(a.id, ""), 400, "invalid_request")
	refused(t, revoke(b.id, a.refresh), 400, "invalid_request")
	refused(t, revoke(b.id, a.access), 400, "invalid_request")
	g.must(revoke(a.id, "never issued"))
	g.must(revoke(a.id, a.device))
	if _, err := a.use(); err != nil {
		t.Fatalf("something above ended the session: %v", err)
	}
	g.must(revoke(a.id, a.refresh))
	g.must(revoke(a.id, a.refresh))
	g.must(revoke(a.id, a.access))
	if _, err := a.use(); !errors.Is(err, pairing.ErrInvalidToken) {
		t.Errorf("use: got %v, want ErrInvalidToken", err)
	}
	refused(t, a.renew(), 400, "invalid_grant")

	g.must(g.audit.Close())
	g.must(revoke(b.id, b.access))
	refused(t, b.renew(), 400, "invalid_grant")
}

func TestRevokeTokenSaysWhenItWillNotLast(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	g.must(errors.Join(g.audit.Close(), g.store.Close()))
	err := g.RevokeToken(context.Background(), pairing.RevokeRequest{ClientID: a.id, Token: a.refresh})
	refused(t, err, 503, "temporarily_unavailable")
	if _, err := a.use(); !errors.Is(err, pairing.ErrInvalidToken) {
		t.Errorf("use: got %v, want ErrInvalidToken", err)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	code := g.code(pairing.StringOptions{})
	a := g.pair()
	session := a.session()
	waiting := g.register(pairing.StringOptions{})
	waiting.ask("llm:openai")
	_, err := waiting.poll() // binds the request to its key
	refused(t, err, 400, "authorization_pending")
	before, jwks := g.Requests(), string(g.JWKS())

	g.restart()
	if string(g.JWKS()) != jwks {
		t.Error("the signing key is another one")
	}
	if _, err := a.use(); err != nil || !g.Active(session) {
		t.Errorf("the access token from before: %v", err)
	}
	g.must(a.renew())
	if after := g.Requests(); len(after) != 1 || after[0].ID != before[0].ID || after[0].Fingerprint != dpop.Fingerprint(waiting.key.Thumbprint()) {
		t.Errorf("pending requests are %+v, were %+v", after, before)
	}
	thief := &app{g: g, key: g.newKey(), id: waiting.id, device: waiting.device}
	refused(t, thief.collect(), 400, "invalid_grant")
	g.must(g.Approve(before[0].ID, nil))
	g.restart()
	g.must(waiting.collect())
	g.restart()
	refused(t, waiting.collect(), 400, "invalid_grant")
	if _, err := g.redeem(code, `{}`); err != nil {
		t.Errorf("the pairing string from before: %v", err)
	}
	g.must(g.Freeze())
	g.restart()
	if !g.Frozen() {
		t.Error("thawed by a restart")
	}
}
