package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

// aged makes a data directory with some history.
func aged(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, apps, "a", record{"granted", 1})
	put(t, s, apps, "b", record{"other", 1})
	must(t, s.Close())
	return dir
}

func later(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	put(t, s, apps, "a", record{"revoked", 2})
	must(t, s.Close())
}

func TestOldStatesAreNoticed(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		restored bool
		harm     func(t *testing.T, dir string)
	}{
		{"nothing happened", false, func(*testing.T, string) {}},
		{"an old database", true, func(t *testing.T, dir string) {
			back := keep(t, dir, "keywicket.db")
			later(t, dir)
			back()
		}},
		{"an old database, from within the same run", true, func(t *testing.T, dir string) {
			s := open(t, dir)
			back := keep(t, dir, "keywicket.db")
			put(t, s, apps, "a", record{"revoked", 2})
			must(t, s.Close())
			back()
		}},
		{"an old database from before a removal", true, func(t *testing.T, dir string) {
			s := open(t, dir)
			back := keep(t, dir, "keywicket.db")
			must(t, s.Update(func(tx *store.Tx) error { return apps.Delete(tx, "a") }))
			must(t, s.Close())
			back()
		}},
		{"an old database that went on elsewhere", true, func(t *testing.T, dir string) {
			elsewhere := t.TempDir()
			must(t, os.CopyFS(elsewhere, os.DirFS(dir)))
			must(t, os.Chmod(hostKey(elsewhere), 0o600))
			later(t, dir)
			for range 5 {
				later(t, elsewhere)
			}
			raw, err := os.ReadFile(filepath.Join(elsewhere, "keywicket.db"))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "keywicket.db"), raw, 0o600))
		}},
		{"an old epoch", true, func(t *testing.T, dir string) {
			back := keep(t, dir, "epoch")
			later(t, dir)
			later(t, dir)
			back()
		}},
		{"no epoch", true, func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "epoch"))) }},
		{"an epoch of rubbish", true, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "epoch"), make([]byte, 2048), 0o600))
		}},
		{"one torn slot of the epoch", false, func(t *testing.T, dir string) {
			s := open(t, dir)
			back := keep(t, dir, "epoch") // which is also what a kill between the two writes leaves
			put(t, s, apps, "a", record{"x", 2})
			must(t, s.Close())
			back()
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := aged(t)
			row.harm(t, dir)
			s := open(t, dir)
			if s.Restored() != row.restored {
				t.Fatalf("restored is %v", s.Restored())
			}
			if row.restored {
				staysUntilAccepted(t, dir, s)
			}
		})
	}
}

func staysUntilAccepted(t *testing.T, dir string, s *store.Store) {
	t.Helper()
	for range 2 {
		for range 20 { // writing does not make it current
			put(t, s, apps, "while unconfirmed", record{"x", 1})
		}
		must(t, s.Close())
		if s = open(t, dir); !s.Restored() {
			t.Fatal("a restart was enough")
		}
	}
	must(t, s.AcceptRestore())
	if s.Restored() {
		t.Fatal("not accepted")
	}
	put(t, s, apps, "after", record{"x", 1})
	must(t, s.Close())
	if s = open(t, dir); s.Restored() {
		t.Fatal("accepted, and yet restored at the next start")
	}
}

func TestEmptiedDatabaseIsNotABeginning(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := aged(t)
			must(t, harm(filepath.Join(dir, "keywicket.db")))
			if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// A value of the state that was lost must not fit a record written since.
func TestVersionsOfALostStateAreNotGivenOutAgain(t *testing.T) {
	t.Parallel()
	dir := aged(t)
	back := keep(t, dir, "keywicket.db")
	later(t, dir)
	lost := rawRecords(t, dir, "apps")
	back()
	s := open(t, dir)
	must(t, s.AcceptRestore())
	put(t, s, apps, "a", record{"of the new branch", 3})
	put(t, s, apps, "b", record{"of the new branch", 3})
	must(t, s.Close())
	for name, raw := range rawRecords(t, dir, "apps") {
		if bytes.Compare(raw[:8], lost[name][:8]) <= 0 {
			t.Errorf("version %x again, after %x", raw[:8], lost[name][:8])
		}
	}
}

func TestEpochElsewhere(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "epoch")
	cfg := store.Config{Dir: dir, EpochFile: elsewhere}
	s, err := store.Open(cfg)
	must(t, err)
	must(t, s.Close())
	all := t.TempDir()
	must(t, os.CopyFS(all, os.DirFS(dir)))
	s, err = store.Open(cfg)
	must(t, err)
	put(t, s, apps, "a", record{"x", 1})
	must(t, s.Close())
	must(t, os.Chmod(hostKey(all), 0o600))
	s, err = store.Open(store.Config{Dir: all, EpochFile: elsewhere})
	must(t, err)
	defer s.Close()
	if !s.Restored() {
		t.Fatal("a whole old data directory was not noticed")
	}
}

// keep remembers a file and returns what puts it back.
func keep(t *testing.T, dir, name string) (back func()) {
	t.Helper()
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	must(t, err)
	return func() { must(t, os.WriteFile(path, raw, 0o600)) }
}
