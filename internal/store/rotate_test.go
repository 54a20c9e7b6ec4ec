package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

func fill(t *testing.T, s *store.Store, n int) {
	t.Helper()
	must(t, s.Update(func(tx *store.Tx) error {
		for i := range n {
			if err := apps.Put(tx, fmt.Sprint(i), record{Name: "app", Count: i}); err != nil {
				return err
			}
		}
		return grants.Put(tx, "g", record{"grant", 7})
	}))
}

func checkFilled(t *testing.T, s *store.Store, n int) {
	t.Helper()
	must(t, s.View(func(tx *store.Tx) error {
		all, err := apps.All(tx)
		if err != nil || len(all) != n {
			return fmt.Errorf("%d records of %d: %w", len(all), n, err)
		}
		for i := range n {
			if got, err := apps.Get(tx, fmt.Sprint(i)); err != nil || got.Count != i {
				return fmt.Errorf("record %d is %v: %w", i, got, err)
			}
		}
		_, err = grants.Get(tx, "g")
		return err
	}))
}

func TestRotationLeavesNothingUnderTheOldKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 500)
	derived := s.Derive("audit")
	oldKey, err := os.ReadFile(hostKey(dir))
	must(t, err)
	for range 2 {
		must(t, s.RotateHostKey(t.Context()))
		checkFilled(t, s, 500)
	}
	must(t, s.Close())

	s = open(t, dir)
	checkFilled(t, s, 500)
	if !bytes.Equal(derived, s.Derive("audit")) {
		t.Fatal("a rotation changed what is derived")
	}
	if s.Restored() {
		t.Fatal("a rotation looks like an old database")
	}
	must(t, s.Close())
	newKey, err := os.ReadFile(hostKey(dir))
	must(t, err)
	if bytes.Contains(newKey, []byte(`"id":1,`)) || bytes.Count(newKey, []byte(`"id"`)) != 1 {
		t.Fatal("the old generation is still in the file")
	}
	must(t, os.WriteFile(hostKey(dir), oldKey, 0o600))
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrHostKey) {
		t.Fatalf("with the old key: %v", err)
	}
}

func TestRotationWhileServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 300)
	stop, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	counts := make([]int, 4)
	for w := range counts {
		wg.Go(func() {
			key := fmt.Sprintf("writer %d", w)
			for stop.Err() == nil {
				counts[w]++
				if err := s.Batch(func(tx *store.Tx) error { return grants.Put(tx, key, record{key, counts[w]}) }); err != nil {
					t.Error(err)
					return
				}
				if got, err := get(s, grants, key); err != nil || got.Count != counts[w] {
					t.Errorf("read %v, %v instead of %d", got, err, counts[w])
					return
				}
				if got, err := get(s, apps, "7"); err != nil || got.Count != 7 {
					t.Errorf("read %v, %v", got, err)
					return
				}
			}
		})
	}
	for range 3 {
		must(t, s.RotateHostKey(t.Context()))
	}
	cancel()
	wg.Wait()
	must(t, s.Close())
	s = open(t, dir)
	checkFilled(t, s, 300)
	for w, want := range counts {
		if got, err := get(s, grants, fmt.Sprintf("writer %d", w)); err != nil || got.Count != want {
			t.Errorf("writer %d: %v, %v instead of %d", w, got, err, want)
		}
	}
}

func TestCancelledRotationGoesOn(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"called again", "opened again"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			fill(t, s, 400)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.RotateHostKey(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			checkFilled(t, s, 400)
			if how == "called again" {
				must(t, s.RotateHostKey(t.Context()))
			} else {
				must(t, s.Close())
				s = open(t, dir)
			}
			checkFilled(t, s, 400)
			raw, err := os.ReadFile(hostKey(dir))
			must(t, err)
			if bytes.Count(raw, []byte(`"id":2`)) != 1 || bytes.Contains(raw, []byte(`"id":1,`)) {
				t.Fatal("the rotation was not finished, or another was begun")
			}
		})
	}
}
