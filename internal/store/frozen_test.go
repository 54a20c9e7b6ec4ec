package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

// The files of format 1 lie in testdata/format-1 and must open forever: what
// is below may be added to, never changed. They were made once, by running
// this test with KEYWICKET_FREEZE set to that directory.
const frozenDerived = "audit chain"

func freeze(t *testing.T, dir string) {
	must(t, os.MkdirAll(dir, 0o700))
	s := open(t, dir)
	fill(t, s, 40)
	must(t, s.RotateHostKey(t.Context())) // so that a generation other than the first is in use
	put(t, s, apps, "7", record{"app", 7})
	must(t, s.Update(func(tx *store.Tx) error { return grants.Put(tx, "removed", record{}) }))
	must(t, s.Update(func(tx *store.Tx) error { return grants.Delete(tx, "removed") }))
	must(t, os.WriteFile(filepath.Join(dir, "derived"), s.Derive(frozenDerived), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "backup"), backUp(t, s), 0o600))
	must(t, s.Close())
}

// thaw copies the frozen files to where they can be opened.
func thaw(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join("testdata", "format-1", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	return dir
}

func TestFormat1OpensForever(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("KEYWICKET_FREEZE"); dir != "" {
		freeze(t, dir)
	}
	dir := thaw(t, "keywicket.db", "host.key", "epoch")
	s := open(t, dir)
	checkFilled(t, s, 40)
	if s.Restored() {
		t.Error("the epoch is not known any more")
	}
	if _, err := get(s, grants, "removed"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed record: %v", err)
	}
	derived, err := os.ReadFile(filepath.Join("testdata", "format-1", "derived"))
	must(t, err)
	if !bytes.Equal(derived, s.Derive(frozenDerived)) {
		t.Error("another key is derived: old audit logs would not verify")
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("check: %v, %v", found, err)
	}
	put(t, s, apps, "7", record{"app", 7})
	must(t, s.RotateHostKey(t.Context()))
	checkFilled(t, s, 40)
}

func TestBackupOfFormat1RestoresForever(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("testdata", "format-1", "backup"))
	must(t, err)
	_, unlock := backupKeys()
	info, err := store.VerifyBackup(bytes.NewReader(raw), unlock)
	if err != nil || info.Records != 41 {
		t.Fatalf("verify: %+v, %v", info, err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	_, err = store.Restore(bytes.NewReader(raw), dir, unlock)
	must(t, err)
	s := open(t, dir)
	checkFilled(t, s, 40)
	must(t, s.AcceptRestore())
}
