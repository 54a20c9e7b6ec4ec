package policy

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/store"
)

// BenchmarkRequest is what a request costs here: decide, reserve, grow and
// settle under six limits, for one app and for many.
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
			{Per: Minute, Requests: maxAmount}, {Per: Day, Requests: maxAmount, Tokens: maxAmount},
			{Per: Month, Dollars: 1_000_000_000_000_000}, {Per: Lifetime, Requests: maxAmount},
			{Per: Day, Model: "gpt-4o*", Requests: maxAmount}, {Per: Day, Model: "o3", Requests: maxAmount},
		},
	}
	req := ask
	req.InputTokens, req.Choices, req.Stream = 500, 1, true
	req.Rate = &price.Rate{Input: 2_500_000_000, CacheRead: 1_250_000_000, CacheWrite: 2_500_000_000, Output: 10_000_000_000, MaxOutput: 16384}
	for _, apps := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("apps=%d", apps), func(b *testing.B) {
			ids := make([]string, apps)
			var first sync.WaitGroup // of an app's requests waits for the disk
			for i := range ids {
				ids[i] = fmt.Sprintf("per_%d", i)
				first.Go(func() {
					if r, err := l.Reserve(ids[i], d, req); err == nil {
						r.Release()
					}
				})
			}
			first.Wait()
			b.ResetTimer()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := Decide(d, req); err != nil {
						b.Fatal(err)
					}
					r, err := l.Reserve(ids[i%apps], d, req)
					if err != nil {
						b.Fatal(err)
					}
					u := Usage{InputTokens: 500}
					for range 20 {
						if u.OutputTokens++; r.Grow(u) != nil {
							b.Fatal("no room")
						}
					}
					r.Settle(u)
				}
			})
		})
	}
}
