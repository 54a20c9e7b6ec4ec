package policy

import (
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// BenchmarkRequest is what a request costs here: decide, reserve and settle
// under six limits.
func BenchmarkRequest(b *testing.B) {
	disk, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	l, err := NewLedger(LedgerConfig{Store: disk, Zone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = l.Close(), disk.Close() })
	d := Document{
		Resource: "llm:openai", Actions: []string{"chat.completions"}, Models: []string{"o3", "gpt-4o*"},
		Concurrency: 1000,
		Limits: []Limit{
			{Per: Minute, Requests: maxAmount}, {Per: Day, Requests: maxAmount}, {Per: Month, Requests: maxAmount},
			{Per: Lifetime, Requests: maxAmount}, {Per: Day, Model: "gpt-4o*", Requests: maxAmount}, {Per: Day, Model: "o3", Requests: maxAmount},
		},
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := Decide(d, ask); err != nil {
				b.Fatal(err)
			}
			r, err := l.Reserve("per_a", d, ask)
			if err != nil {
				b.Fatal(err)
			}
			r.Settle(Usage{InputTokens: 1})
		}
	})
}
