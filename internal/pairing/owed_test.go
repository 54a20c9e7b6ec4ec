package pairing

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/store"
)

// taken are the ways to take rights away from app_a and its session ses_a.
var taken = map[string]struct {
	do   func(*Pairing) error
	kind audit.Kind
}{
	"revoke":      {func(p *Pairing) error { return p.Revoke("app_a") }, audit.AppRevoked},
	"suspend":     {func(p *Pairing) error { return p.Suspend("app_a") }, audit.AppSuspended},
	"freeze":      {(*Pairing).Freeze, audit.GatewayFrozen},
	"end session": {func(p *Pairing) error { return p.EndSession("ses_a") }, audit.SessionRevoked},
}

// What was taken away while the store could not be written must be written by
// the next try, and no try may be called a success before.
func TestRetryWritesWhatIsOwed(t *testing.T) {
	t.Parallel()
	for name, row := range taken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newPaired(t)
			repair := g.breakStore()
			for range 2 {
				if err := row.do(g.p); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, errNotStored) {
					t.Fatalf("without a store: got %v, want ErrNotRecorded", err)
				}
			}
			repair()
			if err := row.do(g.p); err != nil {
				t.Fatalf("with the store back: %v", err)
			}
			g.wantOver(row.kind)
		})
	}
}

func TestRetryRecordsWhatIsOwed(t *testing.T) {
	t.Parallel()
	for name, row := range taken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newPaired(t)
			repair := g.breakAudit()
			for range 2 {
				if err := row.do(g.p); !errors.Is(err, ErrNotRecorded) || errors.Is(err, errNotStored) {
					t.Fatalf("without an audit log: got %v, want ErrNotRecorded", err)
				}
			}
			repair()
			if err := row.do(g.p); err != nil {
				t.Fatalf("with the audit log back: %v", err)
			}
			g.wantOver(row.kind)
		})
	}
}

func TestAppsSecondTryWritesWhatIsOwed(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"refresh", "access"} {
		g := newPaired(t)
		r := RevokeRequest{ClientID: "app_a", Token: "refresh"}
		if token == "access" {
			var err error
			if r.Token, err = g.p.signer.sign("tok_a", Session{ID: "ses_a", AppID: "app_a", Thumbprint: "key"}, g.p.now()); err != nil {
				t.Fatal(err)
			}
		}
		repair := g.breakStore()
		for range 2 {
			if e, ok := errors.AsType[*OAuthError](g.p.RevokeToken(context.Background(), r)); !ok || e.Status != 503 {
				t.Fatalf("%s token, without a store: got %v, want 503", token, e)
			}
		}
		repair()
		if err := g.p.RevokeToken(context.Background(), r); err != nil {
			t.Fatalf("%s token, with the store back: %v", token, err)
		}
		g.wantOver(audit.SessionRevoked)
	}
}

// Nobody has to ask again, and whatever else is written takes it along.
func TestOwedIsWrittenUnasked(t *testing.T) {
	for name, wait := range map[string]func(*Pairing) error{
		"after a while": func(*Pairing) error {
			time.Sleep(2 * longestRetry)
			return nil
		},
		"with another change": func(p *Pairing) error {
			_, err := p.CreateString(StringOptions{})
			return err
		},
		"at the end": (*Pairing).Close,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newPaired(t)
				repair := g.breakStore()
				if err := g.p.Revoke("app_a"); !errors.Is(err, ErrNotRecorded) {
					t.Fatalf("got %v, want ErrNotRecorded", err)
				}
				time.Sleep(10 * longestRetry)
				repair()
				if err := wait(g.p); err != nil {
					t.Fatal(err)
				}
				g.wantOver(audit.AppRevoked)
			})
		})
	}
}

// A late write must not undo what came after.
func TestOwedDoesNotUndoALaterChange(t *testing.T) {
	t.Parallel()
	g := newPaired(t)
	repair := g.breakStore()
	if err := g.p.Suspend("app_a"); !errors.Is(err, ErrNotRecorded) {
		t.Fatalf("got %v, want ErrNotRecorded", err)
	}
	if err := g.p.Resume("app_a"); err == nil {
		t.Fatal("resumed without a store")
	}
	repair()
	if err := g.p.Resume("app_a"); err != nil {
		t.Fatal(err)
	}
	g.restart()
	if !g.p.Active("ses_a") {
		t.Error("suspended again by a restart")
	}
}

// The kill switch works while somebody else waits for the disk.
func TestHangingDiskDoesNotDelayTheKillSwitch(t *testing.T) {
	t.Parallel()
	for name, row := range taken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newPaired(t)
			told := make(chan Change, 8)
			g.p.Watch(func(c Change) { told <- c })
			token, err := g.p.signer.sign("tok_a", Session{ID: "ses_a", AppID: "app_a", Thumbprint: "key"}, g.p.now())
			if err != nil {
				t.Fatal(err)
			}
			g.p.changing.Lock() // as a change does whose write hangs
			done := make(chan error, 1)
			go func() { done <- row.do(g.p) }()
			<-told
			if g.p.Active("ses_a") {
				t.Error("active when the watcher was called")
			}
			if caller, _, err := g.p.bearer(token, g.p.signer.tokens.get(token), "key", g.p.now()); err == nil && caller.App.Status == AppActive && !g.p.Frozen() {
				t.Error("still lets requests in when the watcher was called")
			}
			g.p.changing.Unlock()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if len(told) > 0 || len(g.p.halts) > 0 {
				t.Errorf("told again %d times, %d halts left", len(told), len(g.p.halts))
			}
			g.wantOver(row.kind)
		})
	}
}

// paired is a Pairing on real files with one app and its session.
type paired struct {
	t   *testing.T
	dir string
	db  *store.Store
	log *audit.Log
	p   *Pairing
}

func newPaired(t *testing.T) *paired {
	t.Helper()
	g := &paired{t: t, dir: t.TempDir()}
	g.open()
	now := time.Now()
	err := g.db.Update(func(tx *store.Tx) error {
		put(t, tx, appRecords, "app_a", appRecord{App: App{ID: "app_a", Status: AppActive}})
		put(t, tx, sessionRecords, "ses_a", sessionRecord{
			Session: Session{ID: "ses_a", AppID: "app_a", Thumbprint: "key", LastUsedAt: now}, Status: sessionLive, RefreshHash: hashOf("refresh"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	g.restart()
	t.Cleanup(g.close)
	if !g.p.Active("ses_a") {
		t.Fatal("not active to begin with")
	}
	return g
}

func (g *paired) open() {
	g.t.Helper()
	g.db = openStore(g.t, g.dir)
	g.log = openAudit(g.t, g.dir, g.db)
	g.p = openPairing(g.t, g.dir, g.db, g.log, time.Now)
}

func (g *paired) close() {
	g.p.endRetries()
	if err := errors.Join(g.log.Close(), g.db.Close()); err != nil {
		g.t.Error(err)
	}
}

// restart is what follows a kill: nothing is written any more.
func (g *paired) restart() {
	g.t.Helper()
	g.close()
	g.open()
}

// breakStore makes the store impossible to write until the returned function
// is called.
func (g *paired) breakStore() (repair func()) {
	g.t.Helper()
	if err := g.db.Close(); err != nil {
		g.t.Fatal(err)
	}
	return func() {
		g.t.Helper()
		g.db = openStore(g.t, g.dir)
		g.p.changing.Lock()
		defer g.p.changing.Unlock()
		g.p.cfg.Store = g.db
	}
}

// breakAudit does the same to the audit log. It is repaired in one step: what
// is owed may be written at any moment.
func (g *paired) breakAudit() (repair func()) {
	g.t.Helper()
	path := filepath.Join(g.dir, "audit.jsonl")
	if err := errors.Join(os.Rename(path, path+".away"), os.Symlink("nowhere", path)); err != nil {
		g.t.Fatal(err)
	}
	return func() {
		g.t.Helper()
		if err := os.Rename(path+".away", path); err != nil {
			g.t.Fatal(err)
		}
	}
}

// wantOver checks that the session is over, that it is after a restart, and
// that one line says so.
func (g *paired) wantOver(kind audit.Kind) {
	g.t.Helper()
	if g.p.Active("ses_a") {
		g.t.Error("active")
	}
	events, err := g.log.Tail(100)
	if err != nil {
		g.t.Fatal(err)
	}
	lines := 0
	for _, e := range events {
		if e.Kind == kind {
			lines++
		}
	}
	if lines != 1 {
		g.t.Errorf("%d audit lines of %s, want 1", lines, kind)
	}
	g.restart()
	if g.p.Active("ses_a") {
		g.t.Error("active again after a restart")
	}
}
