package store_test

import (
	"fmt"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

// BenchmarkCommit is one durable write, and many at once that share syncs.
func BenchmarkCommit(b *testing.B) {
	s, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	write := func(b *testing.B, commit func(func(*store.Tx) error) error, key string) {
		if err := commit(func(tx *store.Tx) error { return apps.Put(tx, key, record{key, 1}) }); err != nil {
			b.Error(err)
		}
	}
	b.Run("update", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			write(b, s.Update, fmt.Sprint(i%100))
		}
	})
	b.Run("batch of 32", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				write(b, s.Batch, "key")
			}
		})
	})
}
