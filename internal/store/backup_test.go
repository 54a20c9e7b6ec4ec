package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

var errWrongKey = errors.New("wrong passphrase")

// backupKeys wraps nothing: the envelope is a name for the key.
func backupKeys() (store.BackupKeys, store.OpenEnvelope) {
	key := bytes.Repeat([]byte{7}, store.BackupKeyBytes)
	return store.BackupKeys{Key: key, Envelope: []byte("envelope")}, func(envelope []byte) ([]byte, error) {
		if string(envelope) != "envelope" {
			return nil, errWrongKey
		}
		return bytes.Clone(key), nil
	}
}

func backUp(t *testing.T, s *store.Store) []byte {
	t.Helper()
	keys, _ := backupKeys()
	var out bytes.Buffer
	must(t, s.Backup(&out, keys))
	return out.Bytes()
}

func TestBackupRoundTrip(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	s, err := store.Open(store.Config{Dir: t.TempDir(), Clock: func() time.Time { return now }})
	must(t, err)
	defer s.Close()
	fill(t, s, 300)
	must(t, s.RotateHostKey(t.Context()))
	derived := s.Derive("audit")
	raw := backUp(t, s)
	put(t, s, apps, "5", record{"after the backup", 5})

	_, unlock := backupKeys()
	info, err := store.VerifyBackup(bytes.NewReader(raw), unlock)
	must(t, err)
	if info.Records != 301 || info.Collections["apps"] != 300 || !info.CreatedAt.Equal(now) || info.Format != 1 || info.Database != 1 {
		t.Errorf("info is %+v", info)
	}
	dir := filepath.Join(t.TempDir(), "new", "data")
	_, err = store.Restore(bytes.NewReader(raw), dir, unlock)
	must(t, err)
	back := open(t, dir)
	checkFilled(t, back, 300)
	if !back.Restored() {
		t.Error("a restored backup serves without being confirmed")
	}
	if !bytes.Equal(back.Derive("audit"), derived) {
		t.Error("other keys are derived from it")
	}
	must(t, back.AcceptRestore())
	put(t, back, apps, "new", record{"goes on", 1})
	must(t, back.Close())
	if back = open(t, dir); back.Restored() {
		t.Error("accepted, and yet restored")
	}
	for name, mode := range map[string]os.FileMode{".": 0o700, "keywicket.db": 0o600, "host.key": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestBackupWhileServingIsOneState(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	fill(t, s, 200)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				// Both or none: what a backup must not part.
				err := s.Update(func(tx *store.Tx) error {
					return errors.Join(apps.Put(tx, "pair", record{Count: n}), grants.Put(tx, "pair", record{Count: n}))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	_, unlock := backupKeys()
	for range 4 {
		raw := backUp(t, s)
		dir := filepath.Join(t.TempDir(), "data")
		_, err := store.Restore(bytes.NewReader(raw), dir, unlock)
		must(t, err)
		back := open(t, dir)
		a, errA := get(back, apps, "pair")
		b, errB := get(back, grants, "pair")
		if a != b || !errors.Is(errA, errB) {
			t.Errorf("parted: %v %v, %v %v", a, errA, b, errB)
		}
		must(t, back.Close())
	}
	close(done)
	wg.Wait()
}

func TestAlteredBackupsAreRefusedAndTouchNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	fill(t, s, 50)
	whole := backUp(t, s)
	_, unlock := backupKeys()
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	rows := map[string]func([]byte) []byte{
		"empty":        func([]byte) []byte { return nil },
		"cut by one":   func(b []byte) []byte { return b[:len(b)-1] },
		"more at end":  func(b []byte) []byte { return append(b, 0) },
		"first byte":   flip(0),
		"format":       flip(len("keywicket backup\n")),
		"envelope":     flip(len("keywicket backup\n") + 8),
		"stream head":  flip(len("keywicket backup\n") + 8 + len("envelope") + 1),
		"last byte":    func(b []byte) []byte { return flip(len(b) - 1)(b) },
		"something up": func([]byte) []byte { return []byte("keywicket backup\n\x00\x00\x00\x01\xff\xff\xff\xff") },
	}
	for i := 1; i < 16; i++ {
		rows[fmt.Sprintf("cut at %d sixteenths", i)] = func(b []byte) []byte { return b[:len(b)*i/16] }
		rows[fmt.Sprintf("flipped at %d sixteenths", i)] = func(b []byte) []byte { return flip(len(b) * i / 16)(b) }
	}
	for name, harm := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			altered := harm(bytes.Clone(whole))
			if _, err := store.VerifyBackup(bytes.NewReader(altered), unlock); !refusedBackup(err) {
				t.Errorf("verify: %v", err)
			}
			parent := t.TempDir()
			if _, err := store.Restore(bytes.NewReader(altered), filepath.Join(parent, "data"), unlock); !refusedBackup(err) {
				t.Errorf("restore: %v", err)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func refusedBackup(err error) bool {
	return errors.Is(err, store.ErrBackup) || errors.Is(err, store.ErrNewerFormat) || errors.Is(err, errWrongKey)
}

func TestRestoreRefusesWhatIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	raw := backUp(t, s)
	_, unlock := backupKeys()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("x"), 0o600))
	if _, err := store.Restore(bytes.NewReader(raw), dir, unlock); !errors.Is(err, store.ErrNotEmpty) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Fatalf("changed: %v, %v", left, err)
	}
	empty := t.TempDir()
	_, err := store.Restore(bytes.NewReader(raw), empty, unlock)
	must(t, err)
	open(t, empty)
}

func TestBackupRevealsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, apps, "canary-name", record{Name: "canary-value"})
	raw := backUp(t, s)
	key, err := os.ReadFile(hostKey(dir))
	must(t, err)
	for _, canary := range [][]byte{[]byte("canary-name"), []byte("canary-value"), []byte("apps"), key[50:90]} {
		if bytes.Contains(raw, canary) {
			t.Errorf("%q is in the backup", canary)
		}
	}
}

func TestBackupFileReplacesWhole(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	fill(t, s, 5)
	keys, unlock := backupKeys()
	path := filepath.Join(t.TempDir(), "backup")
	for range 2 {
		must(t, s.BackupFile(path, keys))
		f, err := os.Open(path)
		must(t, err)
		_, err = store.VerifyBackup(f, unlock)
		must(t, errors.Join(err, f.Close()))
	}
	if err := s.BackupFile(path, store.BackupKeys{Key: keys.Key}); err == nil {
		t.Error("a backup without an envelope was written")
	}
	f, err := os.Open(path)
	must(t, err)
	_, err = store.VerifyBackup(f, unlock)
	must(t, errors.Join(err, f.Close()))
}
