package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

type steps = map[uint32]func(collection, key string, plain []byte) ([]byte, error)

// rename is a change of format in which apps got other names.
func rename(collection, _ string, plain []byte) ([]byte, error) {
	if collection == "apps" {
		return bytes.Replace(plain, []byte(`"app"`), []byte(`"renamed"`), 1), nil
	}
	return plain, nil
}

func asIs(_, _ string, plain []byte) ([]byte, error) { return plain, nil }

func TestMigration(t *testing.T) {
	t.Parallel()
	dir := thaw(t, "keywicket.db", "host.key", "epoch")
	before, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	must(t, err)
	cfg := store.Config{Dir: dir}
	for range 2 { // the second time there is nothing to do
		s, err := store.OpenAs(cfg, 3, nil, steps{1: rename, 2: asIs})
		must(t, err)
		checkFilled(t, s, 40)
		if got, err := get(s, apps, "12"); err != nil || got.Name != "renamed" {
			t.Errorf("got %v, %v", got, err)
		}
		if s.Restored() {
			t.Error("a migration looks like an old database")
		}
		put(t, s, grants, "new", record{"x", 1})
		must(t, s.Close())
	}
	kept, err := os.ReadFile(filepath.Join(dir, "keywicket.db.format-1"))
	must(t, err)
	if !bytes.Equal(kept, before) {
		t.Error("the copy is not the file as it was")
	}
	now, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	must(t, err)
	if _, err := store.Open(cfg); !errors.Is(err, store.ErrNewerFormat) {
		t.Errorf("an older gateway on the new file: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
	must(t, err)
	if !bytes.Equal(now, after) {
		t.Error("an older gateway changed the new file")
	}
	// The copy is a way back.
	must(t, os.Rename(filepath.Join(dir, "keywicket.db.format-1"), filepath.Join(dir, "keywicket.db")))
	s := open(t, dir)
	checkFilled(t, s, 40)
	if !s.Restored() {
		t.Error("going back was not noticed")
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	never := func(string, string, []byte) ([]byte, error) { return nil, boom }
	rows := map[string]struct {
		steps steps
		step  store.Step
		want  string
	}{
		"second step fails": {steps{1: rename, 2: never}, nil, "format 3"},
		"no way":            {steps{1: rename}, nil, "no way"},
		"copy fails": {steps{1: rename, 2: asIs}, func(step, path string) error {
			if step == "sync" && strings.HasSuffix(path, ".format-1") {
				return boom
			}
			return nil
		}, "copying"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := thaw(t, "keywicket.db", "host.key", "epoch")
			before, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
			must(t, err)
			if _, err := store.OpenAs(store.Config{Dir: dir}, 3, row.step, row.steps); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v", err)
			}
			after, err := os.ReadFile(filepath.Join(dir, "keywicket.db"))
			must(t, err)
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			checkFilled(t, open(t, dir), 40)
		})
	}
}
