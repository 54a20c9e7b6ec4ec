package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/keywicket/keywicket/internal/store"
)

type record struct {
	Name  string
	Count int
}

var (
	apps   = store.NewCollection[record]("apps")
	grants = store.NewCollection[record]("grants")
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s *store.Store, c store.Collection[record], key string, r record) {
	t.Helper()
	if err := s.Update(func(tx *store.Tx) error { return c.Put(tx, key, r) }); err != nil {
		t.Fatal(err)
	}
}

func get(s *store.Store, c store.Collection[record], key string) (r record, err error) {
	err = s.View(func(tx *store.Tx) error {
		r, err = c.Get(tx, key)
		return err
	})
	return r, err
}

func TestRecordsSurviveReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	derived := s.Derive("audit")
	put(t, s, apps, "a", record{"first", 1})
	put(t, s, apps, "a", record{"second", 2})
	put(t, s, apps, "b", record{"other", 3})
	if err := s.Update(func(tx *store.Tx) error { return apps.Delete(tx, "b") }); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = open(t, dir)
	if got, err := get(s, apps, "a"); err != nil || got != (record{"second", 2}) {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := get(s, apps, "b"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("deleted record: %v", err)
	}
	if _, err := get(s, grants, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("collection never written: %v", err)
	}
	if !bytes.Equal(derived, s.Derive("audit")) || bytes.Equal(derived, s.Derive("other")) {
		t.Fatal("Derive must be stable per purpose and differ between purposes")
	}
}

func TestFailedUpdateKeepsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	put(t, s, apps, "a", record{"kept", 1})
	boom := errors.New("boom")
	err := s.Update(func(tx *store.Tx) error {
		if err := apps.Put(tx, "a", record{"lost", 2}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if got, _ := get(s, apps, "a"); got.Name != "kept" {
		t.Fatalf("got %v", got)
	}
	err = s.View(func(tx *store.Tx) error { return apps.Put(tx, "a", record{}) })
	if err == nil {
		t.Fatal("a read-only transaction accepted a write")
	}
}

func TestBatchFromManyGoroutines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			err := s.Batch(func(tx *store.Tx) error {
				return apps.Put(tx, fmt.Sprint(i), record{Count: i})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.Close()
	s = open(t, dir) // also checks the head's sum over all of them
	err := s.View(func(tx *store.Tx) error {
		all, err := apps.All(tx)
		if len(all) != 50 || all["49"].Count != 49 {
			t.Errorf("got %d records", len(all))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileRevealsNoNamesOrValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, apps, "canary-key-name", record{Name: "canary-value"})
	s.Close()
	raw, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"canary-key-name", "canary-value"} {
		if bytes.Contains(raw, []byte(canary)) {
			t.Errorf("%q is in the file", canary)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("got %v", err)
	}
}

func TestHostKeyIsGuarded(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		harm func(t *testing.T, dir string)
		want string
	}{
		{"missing", func(t *testing.T, dir string) { must(t, os.Remove(hostKey(dir))) }, "missing"},
		{"readable by others", func(t *testing.T, dir string) { must(t, os.Chmod(hostKey(dir), 0o644)) }, "chmod 600"},
		{"not a key", func(t *testing.T, dir string) { must(t, os.WriteFile(hostKey(dir), []byte("{}"), 0o600)) }, "host key"},
		{"another database's", func(t *testing.T, dir string) {
			other := t.TempDir()
			open(t, other)
			raw, err := os.ReadFile(hostKey(other))
			must(t, err)
			must(t, os.WriteFile(hostKey(dir), raw, 0o600))
		}, "did not seal"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			put(t, s, apps, "a", record{"x", 1})
			s.Close()
			row.harm(t, dir)
			_, err := store.Open(store.Config{Dir: dir})
			if !errors.Is(err, store.ErrHostKey) || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want a host key error naming %q", err, row.want)
			}
		})
	}
}

// A value whose bytes change under the same version passes the head's check
// and must fail when it is read.
func TestFlippedValueFailsToOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, apps, "a", record{"x", 1})
	s.Close()
	edit(t, dir, func(tx *bolt.Tx) {
		k, v := tx.Bucket([]byte("apps")).Cursor().First()
		k, v = bytes.Clone(k), bytes.Clone(v)
		v[len(v)-1] ^= 1
		must(t, tx.Bucket([]byte("apps")).Put(k, v))
	})
	s = open(t, dir)
	if _, err := get(s, apps, "a"); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
}

func TestNewerFormatIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir).Close()
	edit(t, dir, func(tx *bolt.Tx) { must(t, tx.Bucket([]byte("meta")).Put([]byte("format"), []byte{0, 0, 0, 9})) })
	before, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	must(t, err)
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrNewerFormat) {
		t.Fatalf("got %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Fatal("the file was changed")
	}
}

func TestDirectoryOpenToOthersIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	_, err := store.Open(store.Config{Dir: dir})
	if !errors.Is(err, store.ErrOpenDir) || !strings.Contains(err.Error(), "chmod 700") {
		t.Fatalf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v was left in it, %v", left, err)
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	for name, want := range map[string]os.FileMode{".": 0o700, "keywicket.db": 0o600, "host.key": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s is %04o, want %04o", name, got, want)
		}
	}
}

func TestOversizedValueIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	err := s.Update(func(tx *store.Tx) error {
		return apps.Put(tx, "big", record{Name: strings.Repeat("x", store.MaxValueBytes)})
	})
	if err == nil {
		t.Fatal("a value over the limit was stored")
	}
}

// edit changes the file with bbolt itself, as someone with write access to it
// but without the host key could.
func edit(t *testing.T, dir string, fn func(*bolt.Tx)) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "keywicket.db"), 0o600, &bolt.Options{NoFreelistSync: true, NoSync: true})
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error { fn(tx); return nil }))
	must(t, db.Close())
}

func hostKey(dir string) string { return filepath.Join(dir, "host.key") }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rawRecords lists what the file holds of a collection, by name.
func rawRecords(t *testing.T, dir, collection string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	edit(t, dir, func(tx *bolt.Tx) {
		must(t, tx.Bucket([]byte(collection)).ForEach(func(k, v []byte) error {
			all[string(k)] = bytes.Clone(v)
			return nil
		}))
	})
	return all
}

func setRaw(t *testing.T, dir, collection, name string, raw []byte) {
	t.Helper()
	edit(t, dir, func(tx *bolt.Tx) { must(t, tx.Bucket([]byte(collection)).Put([]byte(name), raw)) })
}
