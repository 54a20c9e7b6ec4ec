package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

func TestCheckFindsNothingInAGoodFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 200)
	must(t, s.RotateHostKey(t.Context()))
	if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
		t.Fatalf("found %v, %v", found, err)
	}
}

func TestCheckNamesEveryDamagedRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 50)
	must(t, s.Close())
	want := map[string]bool{}
	for name, raw := range rawRecords(t, dir, "apps") {
		if len(want) < 2 {
			raw[len(raw)-1] ^= 1
			setRaw(t, dir, "apps", name, raw)
			want[fmt.Sprintf("%x", name[:4])] = true
		}
	}
	s = open(t, dir)
	found, err := s.Check(t.Context())
	must(t, err)
	if len(found) != 2 || !want[found[0].Record] || !want[found[1].Record] || found[0].Collection != "apps" {
		t.Fatalf("found %+v, want %v", found, want)
	}
	keys, _ := backupKeys()
	if err := s.Backup(new(bytes.Buffer), keys); !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "collection apps, record") {
		t.Errorf("a backup of damaged records: %v", err)
	}
}

func TestCheckTellsWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 5)
	must(t, s.Close())
	must(t, os.Remove(filepath.Join(dir, "epoch")))
	s = open(t, dir)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.RotateHostKey(cancelled); err == nil {
		t.Fatal("rotated")
	}
	found, err := s.Check(t.Context())
	must(t, err)
	if len(found) != 2 || !strings.Contains(found[0].Problem, "older copy") || !strings.Contains(found[1].Problem, "rotat") {
		t.Errorf("found %+v", found)
	}
}

// A file cut short under a running gateway makes reading it a fault that would
// end the process.
func TestFileCutWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 2000)
	must(t, os.Truncate(filepath.Join(dir, "keywicket.db"), 8192))
	refused := 0
	for i := range 2000 {
		switch got, err := get(s, apps, fmt.Sprint(i)); {
		case errors.Is(err, store.ErrCorrupt):
			refused++
		case err != nil || got.Count != i:
			t.Fatalf("record %d: %v, %v", i, got, err)
		}
	}
	if refused == 0 {
		t.Fatal("nothing was cut off")
	}
	if err := s.View(func(tx *store.Tx) error { _, err := apps.All(tx); return err }); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("All: %v", err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) == 0 {
		t.Errorf("Check: %v, %v", found, err)
	}
	for range 3 {
		err := s.Update(func(tx *store.Tx) error { return apps.Put(tx, "new", record{}) })
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("Update: %v", err)
		}
		err = s.Batch(func(tx *store.Tx) error { return apps.Put(tx, "new", record{}) })
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("Batch: %v", err)
		}
	}
}

func TestCallersPanicIsNotDamage(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	boom := func(*store.Tx) error { panic("boom") }
	for name, run := range map[string]func() error{
		"view":   func() error { return s.View(boom) },
		"update": func() error { return s.Update(boom) },
		"batch":  func() error { return s.Batch(boom) },
	} {
		func() {
			defer func() {
				if r := recover(); r != "boom" {
					t.Errorf("%s: recovered %v", name, r)
				}
			}()
			t.Errorf("%s returned %v", name, run())
		}()
	}
	put(t, s, apps, "a", record{"goes on", 1})
}
