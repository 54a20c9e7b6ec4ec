package proxy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var retryTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// asRetry begins an attempt and says whether it counts no request of its own.
func asRetry(t *testing.T, r *retries, key string, now time.Time) (*attempt, bool) {
	t.Helper()
	a, err := r.begin("app", retryKey(hashed([]byte(key))), retryBody{}, now)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return a, a != nil && a.retried
}

// Each row is how earlier attempts went, and whether the next is one of theirs.
func TestRetriesCountOnce(t *testing.T) {
	t.Parallel()
	type went struct{ charged, heard bool }
	lost, answered, failed := went{charged: true}, went{charged: true, heard: true}, went{}
	for _, row := range []struct {
		name  string
		past  []went
		after time.Duration
		want  bool
	}{
		{"first", nil, 0, false},
		{"charged, nothing came", []went{lost}, 0, true},
		{"answered", []went{answered}, 0, false},
		{"given back", []went{failed}, 0, false},
		{"charged, then given back", []went{lost, failed, failed}, 0, true},
		{"three made good", []went{lost, lost, lost, lost}, 0, false},
		{"those given back are not among the three", []went{lost, lost, failed, failed, lost}, 0, true},
		{"counted anew, and lost again", []went{lost, lost, lost, lost, lost}, 0, false},
		{"answered in the end", []went{lost, answered}, 0, false},
		{"just in time", []went{lost}, retryMemory - 1, true},
		{"too late", []went{lost}, retryMemory, false},
		{"clock set back", []went{lost}, -retryMemory, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRetries(10, 10)
			for _, w := range row.past {
				a, _ := asRetry(t, r, "k", retryTime)
				r.end(a, w.charged, w.heard, retryTime)
			}
			if _, got := asRetry(t, r, "k", retryTime.Add(row.after)); got != row.want {
				t.Errorf("counts no request of its own: %v", got)
			}
		})
	}
}

func TestRetriesRefuse(t *testing.T) {
	t.Parallel()
	r := newRetries(10, 10)
	key, body := retryKey{1}, retryBody{1}
	a, err := r.begin("app", key, body, retryTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.begin("app", key, body, retryTime.Add(retryMemory)); !errors.Is(err, errInProgress) {
		t.Errorf("beside itself: %v", err)
	}
	if _, err := r.begin("app", key, retryBody{2}, retryTime); !errors.Is(err, errKeyReused) {
		t.Errorf("another body, while it runs: %v", err)
	}
	r.end(a, true, true, retryTime)
	if _, err := r.begin("app", key, retryBody{2}, retryTime); !errors.Is(err, errKeyReused) {
		t.Errorf("another body: %v", err)
	}
	if a, err := r.begin("app", key, retryBody{2}, retryTime.Add(retryMemory)); err != nil || a == nil {
		t.Errorf("another body, much later: %v", err)
	}
}

// A key of one app says nothing about another's, nor of one resource about
// another's, however they are put together.
func TestRetryKeysAreApart(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte][]string{}
	for _, parts := range [][]string{{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"abc", "", "d"}, {"", "abc", "d"}, {"abcd"}} {
		var raw [][]byte
		for _, part := range parts {
			raw = append(raw, []byte(part))
		}
		sum := hashed(raw...)
		if other, found := seen[sum]; found {
			t.Errorf("%q and %q are one", parts, other)
		}
		seen[sum] = parts
	}
}

// What does not fit is forgotten, and of those that ended only; one app does
// not push out another as long as it has any of its own.
func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRetries(6, 4)
	begin := func(app string, n byte) *attempt {
		a, err := r.begin(app, retryKey{app[0], n}, retryBody{}, retryTime)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var mine []*attempt
	for n := range byte(4) {
		mine = append(mine, begin("a", n))
	}
	if begin("a", 9) != nil {
		t.Error("more than its share is remembered")
	}
	r.end(mine[1], true, false, retryTime)
	r.end(mine[0], true, false, retryTime)
	if begin("a", 4) == nil || r.all[retryKey{'a', 1}] != nil || r.all[retryKey{'a', 0}] == nil {
		t.Error("it was not the oldest of those that ended that made room")
	}
	for n := range byte(3) {
		if begin("b", n) == nil {
			t.Errorf("no room for another app's request %d", n)
		}
	}
	if r.all[retryKey{'a', 0}] != nil || len(r.all) != 6 {
		t.Errorf("%d are remembered", len(r.all))
	}
	if begin("c", 0) != nil {
		t.Error("there was room although all run")
	}
}

// What is remembered stays within bounds, and adds up, whatever comes at once.
func TestRetriesUnderConcurrency(t *testing.T) {
	t.Parallel()
	const apps, keys, limit, share = 5, 40, 64, 20
	r := newRetries(limit, share)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for i := range 3000 {
				app := fmt.Sprint("app", random.IntN(apps))
				now := retryTime.Add(time.Duration(i) * time.Second)
				key := retryKey(hashed([]byte(app), []byte{byte(random.IntN(keys))}))
				a, err := r.begin(app, key, retryBody{byte(random.IntN(20) / 19)}, now)
				if err == nil && a != nil {
					r.end(a, random.IntN(2) == 0, random.IntN(2) == 0, now)
				}
			}
		})
	}
	all.Wait()
	sum := 0
	for app, of := range r.byApp {
		if sum += of.count; of.count > share || of.count != of.ended.Len() {
			t.Errorf("%s: %d are remembered, %d ended", app, of.count, of.ended.Len())
		}
	}
	if sum != len(r.all) || sum > limit {
		t.Errorf("%d are remembered, and %d counted", len(r.all), sum)
	}
}
