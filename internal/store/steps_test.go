package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

var errInjected = errors.New("injected")

// act is something that takes several steps on disk.
type act struct {
	name string
	// prepare makes the data directory that act begins with.
	prepare func(t *testing.T, dir string)
	// run does it; it is given the steps to fail at.
	run func(dir string, step store.Step) error
	// check looks at the directory after it was interrupted.
	check func(t *testing.T, dir string)
}

func acts(t *testing.T) []act {
	keys, unlock := backupKeys()
	filled := func(t *testing.T, dir string) {
		s := open(t, dir)
		fill(t, s, 300)
		must(t, s.Close())
	}
	old := func(t *testing.T, dir string) {
		filled(t, dir)
		must(t, os.Remove(filepath.Join(dir, "epoch")))
	}
	with := func(do func(s *store.Store) error) func(string, store.Step) error {
		return func(dir string, step store.Step) error {
			s, err := store.OpenWith(store.Config{Dir: dir}, step)
			if err != nil {
				return err
			}
			return errors.Join(do(s), s.Close())
		}
	}
	intact := func(restored ...bool) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			s := open(t, dir)
			checkFilled(t, s, 300)
			if got := s.Restored(); got != restored[0] && got != restored[len(restored)-1] {
				t.Errorf("restored is %v", got)
			}
			must(t, s.RotateHostKey(t.Context()))
			checkFilled(t, s, 300)
			must(t, s.Close())
		}
	}
	backup := func() []byte {
		dir := t.TempDir()
		filled(t, dir)
		return backUp(t, open(t, dir))
	}()
	return []act{
		{"first start", func(*testing.T, string) {}, with(func(*store.Store) error { return nil }), func(t *testing.T, dir string) {
			s := open(t, dir)
			if s.Restored() {
				t.Error("an interrupted first start looks like an old database")
			}
			must(t, s.Close())
		}},
		{"commit", filled, with(func(s *store.Store) error {
			return s.Update(func(tx *store.Tx) error { return apps.Put(tx, "7", record{"again", 7}) })
		}), intact(false)},
		{"rotation", filled, with(func(s *store.Store) error { return s.RotateHostKey(t.Context()) }), intact(false)},
		{"accepting", old, with((*store.Store).AcceptRestore), intact(true, false)},
		{"backup", filled, func(dir string, step store.Step) error {
			return with(func(s *store.Store) error { return s.BackupFile(filepath.Join(dir, "backup"), keys) })(dir, step)
		}, func(t *testing.T, dir string) {
			intact(false)(t, dir)
			f, err := os.Open(filepath.Join(dir, "backup"))
			if errors.Is(err, os.ErrNotExist) {
				return
			}
			must(t, err)
			_, err = store.VerifyBackup(f, unlock)
			must(t, errors.Join(err, f.Close()))
		}},
		{"restore", func(t *testing.T, dir string) { must(t, os.MkdirAll(dir, 0o700)) }, func(dir string, step store.Step) error {
			_, err := store.RestoreWith(step, bytes.NewReader(backup), filepath.Join(dir, "data"), unlock)
			return err
		}, func(t *testing.T, dir string) {
			data := filepath.Join(dir, "data")
			if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
				_, err := store.Restore(bytes.NewReader(backup), data, unlock)
				must(t, err)
			}
			intact(true)(t, data)
		}},
		{"migration", filled, func(dir string, step store.Step) error {
			s, err := store.OpenAs(store.Config{Dir: dir}, 2, step, steps{1: asIs})
			if err != nil {
				return err
			}
			return s.Close()
		}, func(t *testing.T, dir string) {
			s, err := store.OpenAs(store.Config{Dir: dir}, 2, nil, steps{1: asIs})
			must(t, err)
			checkFilled(t, s, 300)
			must(t, s.Close())
		}},
	}
}

// TestInterruptedAnywhere does everything that has several steps, and at each
// step fails it (once, or from then on), or keeps a copy of the directory as a
// kill at that point would leave it. What is left opens whole.
func TestInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	for _, a := range acts(t) {
		for _, how := range []string{"fails once", "fails from then on", "killed"} {
			t.Run(a.name+" "+how, func(t *testing.T) {
				t.Parallel()
				start := filepath.Join(t.TempDir(), "data")
				a.prepare(t, start)
				n := 0
				for a.interrupted(t, start, how, n) {
					n++
				}
				if n == 0 {
					t.Error("it has no steps")
				}
				t.Logf("%d steps", n)
			})
		}
	}
}

// interrupted reports whether there was an n-th step to interrupt.
func (a act) interrupted(t *testing.T, start, how string, n int) bool {
	t.Helper()
	dir, killed := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "killed")
	copyDir(t, start, dir)
	at := 0
	err := a.run(dir, func(step, path string) error {
		at++
		switch {
		case at == n+1 && how == "killed":
			copyDir(t, dir, killed)
		case at == n+1, at > n && how == "fails from then on":
			return fmt.Errorf("%w", errInjected)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errInjected) {
		t.Fatalf("step %d: %v", n, err)
	}
	if at <= n {
		return false
	}
	if how == "killed" {
		dir = killed
	}
	a.check(t, dir)
	if left, err := filepath.Glob(filepath.Join(dir, ".new-*")); err != nil || len(left) > 0 {
		t.Errorf("step %d: left behind: %v, %v", n, left, err)
	}
	return true
}

// copyDir copies a directory as it is on disk; one that does not exist yet
// has no copy.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
		return
	}
	must(t, os.CopyFS(to, os.DirFS(from)))
	must(t, filepath.WalkDir(to, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
}
