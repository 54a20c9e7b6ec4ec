package pairing

import (
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/store"
)

// Records that are missing, or there without saying anything, must deny.
func TestAbsenceMeansDeny(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	good := func(tx *store.Tx) {
		put(t, tx, appRecords, "app_a", appRecord{App: App{ID: "app_a", Status: AppActive}})
		put(t, tx, sessionRecords, "ses_a", sessionRecord{
			Session: Session{ID: "ses_a", AppID: "app_a", LastUsedAt: now}, Status: sessionLive, RefreshHash: "hash",
		})
	}
	for _, row := range []struct {
		name   string
		change func(tx *store.Tx)
		active bool
	}{
		{"as it should be", func(*store.Tx) {}, true},
		{"session without status", func(tx *store.Tx) {
			put(t, tx, sessionRecords, "ses_a", sessionRecord{Session: Session{ID: "ses_a", AppID: "app_a", LastUsedAt: now}})
		}, false},
		{"session without app", func(tx *store.Tx) { remove(t, tx, appRecords, "app_a") }, false},
		{"app without status", func(tx *store.Tx) { put(t, tx, appRecords, "app_a", appRecord{App: App{ID: "app_a"}}) }, false},
		{"app with another status", func(tx *store.Tx) {
			put(t, tx, appRecords, "app_a", appRecord{App: App{ID: "app_a", Status: "Active"}})
		}, false},
		{"no gateway state", func(tx *store.Tx) { remove(t, tx, gatewayRecords, gatewayKey) }, false},
		{"empty gateway state", func(tx *store.Tx) { put(t, tx, gatewayRecords, gatewayKey, gatewayRecord{}) }, false},
	} {
		dir := t.TempDir()
		reopen(t, dir, now, func(*Pairing) {}) // the first start makes the records of the gateway
		db := openStore(t, dir)
		if err := db.Update(func(tx *store.Tx) error { good(tx); row.change(tx); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		reopen(t, dir, now, func(p *Pairing) {
			if p.Active("ses_a") != row.active {
				t.Errorf("%s: active %v, want %v", row.name, !row.active, row.active)
			}
		})
	}
}

func put[T any](t *testing.T, tx *store.Tx, c store.Collection[T], key string, value T) {
	t.Helper()
	if err := c.Put(tx, key, value); err != nil {
		t.Fatal(err)
	}
}

func remove[T any](t *testing.T, tx *store.Tx, c store.Collection[T], key string) {
	t.Helper()
	if err := c.Delete(tx, key); err != nil {
		t.Fatal(err)
	}
}

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	db, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// reopen opens a Pairing on dir, hands it to fn and closes everything.
func reopen(t *testing.T, dir string, now time.Time, fn func(*Pairing)) {
	t.Helper()
	db := openStore(t, dir)
	defer db.Close()
	log := openAudit(t, dir, db)
	defer log.Close()
	fn(openPairing(t, dir, db, log, func() time.Time { return now }))
}

func openAudit(t *testing.T, dir string, db *store.Store) *audit.Log {
	t.Helper()
	log, err := audit.New(audit.Config{Dir: dir, Key: db.Derive("audit chain")})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func openPairing(t *testing.T, dir string, db *store.Store, log *audit.Log, clock func() time.Time) *Pairing {
	t.Helper()
	replay, err := dpop.OpenReplay(dpop.ReplayConfig{Dir: dir, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = replay.Close() })
	verifier, err := dpop.NewVerifier(dpop.VerifierConfig{Clock: clock, Replay: replay})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{
		Store: db, Audit: log, Issuer: "https://keys.example.com", Verifier: verifier,
		Resources: func() []Resource { return []Resource{{ID: "llm:openai"}} }, Clock: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
