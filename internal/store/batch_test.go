package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

// Those committed together must not share one's failure.
func TestOneOfABatchFails(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	boom := errors.New("boom")
	var failed, panicked atomic.Int32
	var wg sync.WaitGroup
	run := func(i int) error {
		defer func() {
			if r := recover(); r == "panic of its own" && i%10 == 7 {
				panicked.Add(1)
			} else if r != nil {
				t.Errorf("%d: another one's panic %v", i, r)
			}
		}()
		return s.Batch(func(tx *store.Tx) error {
			if err := apps.Put(tx, fmt.Sprint(i), record{Count: i}); err != nil {
				return err
			}
			switch i % 10 {
			case 3:
				return boom
			case 7:
				panic("panic of its own")
			}
			return nil
		})
	}
	const all = 100
	for i := range all {
		wg.Go(func() {
			switch err := run(i); {
			case i%10 == 3 && errors.Is(err, boom):
				failed.Add(1)
			case err != nil:
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if failed.Load() != all/10 || panicked.Load() != all/10 {
		t.Errorf("%d failed and %d panicked", failed.Load(), panicked.Load())
	}
	must(t, s.View(func(tx *store.Tx) error {
		kept, err := apps.All(tx)
		if len(kept) != all*8/10 {
			t.Errorf("%d are kept", len(kept))
		}
		return err
	}))
}
