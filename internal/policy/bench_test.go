package policy

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/store"
)

// busy is a document with six limits, all of them far away, and a request that
// is counted by each.
func busy() (Document, Request) {
	d := Document{
		Resource: "llm:openai", Actions: []string{"chat.completions", "models.list"},
		Models: []string{"o3", "gpt-4o*"}, DenyModels: []string{"*-audio*"},
		MaxInputTokens: 32_000, MaxOutputTokens: 4096, MaxBodyBytes: 1 << 20,
		Concurrency: 1000,
		Limits: []Limit{
			{Per: Minute, Requests: maxAmount, Tokens: maxAmount},
			{Per: Day, Requests: maxAmount, Tokens: maxAmount, Dollars: maxDollars},
			{Per: Month, Dollars: maxDollars}, {Per: Lifetime, Requests: maxAmount},
			{Per: Day, Model: "gpt-4o*", Requests: maxAmount}, {Per: Month, Model: "gpt-4o", Tokens: maxAmount},
		},
	}
	req := ask
	req.InputTokens, req.Choices, req.Time = 500, 1, time.Now()
	req.Rate = &price.Rate{Input: 2_500_000_000, CacheRead: 1_250_000_000, CacheWrite: 2_500_000_000, Output: 10_000_000_000, MaxOutput: 16384}
	return d, req
}

// BenchmarkRequest is what a request costs here: decide, reserve and settle
// under six limits, for one app and for many; a stream grows twenty times.
func BenchmarkRequest(b *testing.B) {
	disk, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	l, err := NewLedger(LedgerConfig{Store: disk, Zone: time.UTC, Watch: func(Crossing) {}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = l.Close(), disk.Close() })
	d, req := busy()
	for _, apps := range []int{1, 10_000} {
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
		for _, grows := range []int{0, 20} {
			req := req
			req.Stream = grows > 0
			b.Run(fmt.Sprintf("apps=%d/grows=%d", apps, grows), func(b *testing.B) {
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
						u := Usage{InputTokens: 500, OutputTokens: 20}
						for n := range grows {
							if u.OutputTokens = int64(n); r.Grow(u) != nil {
								b.Fatal("no room")
							}
						}
						r.Settle(u)
					}
				})
			})
		}
	}
}

// BenchmarkDecide is the rules alone.
func BenchmarkDecide(b *testing.B) {
	d, req := busy()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decide(d, req); err != nil {
			b.Fatal(err)
		}
	}
}
