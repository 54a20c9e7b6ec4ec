package price

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

const dollar = 1_000_000_000 // in nano-dollars

func TestCost(t *testing.T) {
	t.Parallel()
	plain := Rate{Input: 2 * dollar, Output: 10 * dollar, CacheRead: dollar, CacheWrite: 3 * dollar}
	tiered := plain
	tiered.Tiers = []Tier{{Above: 200_000, Input: 4 * dollar, Output: 20 * dollar, CacheRead: 2 * dollar, CacheWrite: 6 * dollar}}
	for _, row := range []struct {
		name string
		rate Rate
		use  Tokens
		want int64
	}{
		{"nothing", plain, Tokens{}, 0},
		{"one token of input", plain, Tokens{Input: 1}, 2000},
		{"a million of each", plain, Tokens{Input: 1e6, Output: 1e6}, 12 * dollar},
		{"cached is part of the input", plain, Tokens{Input: 1e6, Cached: 1e6}, dollar},
		{"written is part of the input", plain, Tokens{Input: 1e6, CacheWrite: 1e6}, 3 * dollar},
		{"some of all", plain, Tokens{Input: 1000, Cached: 300, CacheWrite: 200, Output: 10}, 500*2000 + 300*1000 + 200*3000 + 10*10000},
		{"more cached than read", plain, Tokens{Input: 100, Cached: 1000}, 100 * 1000},
		{"more written than read", plain, Tokens{Input: 100, Cached: 1000, CacheWrite: 1000}, 100 * 3000},
		{"negative counts", plain, Tokens{Input: -1, Cached: -1, CacheWrite: -1, Output: -1}, 0},
		{"rounded up", Rate{Input: 1}, Tokens{Input: 1}, 1},
		{"rounded up once, not for each kind", Rate{Input: 500_000, Output: 500_000}, Tokens{Input: 1, Output: 1}, 1},
		{"exact is not rounded", Rate{Input: 1}, Tokens{Input: 2e6}, 2},
		{"free", Rate{}, Tokens{Input: 1e9, Output: 1e9}, 0},
		{"per request", Rate{Request: 5}, Tokens{}, 5},
		{"at the tier's edge", tiered, Tokens{Input: 200_000}, 400_000_000},
		{"above it, all tokens cost more", tiered, Tokens{Input: 200_001, Output: 1}, 200_001*4000 + 20_000},
		{"above it, cached ones too", tiered, Tokens{Input: 300_000, Cached: 300_000}, 600_000_000},
		{"too much to count", Rate{Input: maxPrice}, Tokens{Input: math.MaxInt64}, math.MaxInt64},
		{"too much with the request", Rate{Input: million, Request: math.MaxInt64}, Tokens{Input: 1}, math.MaxInt64},
		{"just not too much", Rate{Input: million}, Tokens{Input: math.MaxInt64}, math.MaxInt64},
	} {
		if got := row.rate.Cost(row.use); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}

// Cost is what exact arithmetic says, rounded up and never beyond an int64.
func TestCostIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		count := rapid.Int64Range(0, math.MaxInt64)
		price := rapid.Int64Range(0, maxPrice)
		r := Rate{
			Input: price.Draw(rt, "input"), Output: price.Draw(rt, "output"),
			CacheRead: price.Draw(rt, "read"), CacheWrite: price.Draw(rt, "write"), Request: price.Draw(rt, "request"),
		}
		u := Tokens{Input: count.Draw(rt, "tokens"), Output: count.Draw(rt, "out")}
		u.Cached = rapid.Int64Range(0, u.Input).Draw(rt, "cached")
		u.CacheWrite = rapid.Int64Range(0, u.Input-u.Cached).Draw(rt, "written")
		want := new(big.Int)
		for _, part := range [][2]int64{{u.Input - u.Cached - u.CacheWrite, r.Input}, {u.Cached, r.CacheRead}, {u.CacheWrite, r.CacheWrite}, {u.Output, r.Output}} {
			want.Add(want, new(big.Int).Mul(big.NewInt(part[0]), big.NewInt(part[1])))
		}
		want.Add(want, big.NewInt(million-1))
		want.Div(want, big.NewInt(million))
		want.Add(want, big.NewInt(r.Request))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if got := r.Cost(u); got != want.Int64() {
			rt.Fatalf("%d, want %d", got, want)
		}
	})
}
