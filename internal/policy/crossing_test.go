package policy

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
)

// watched is a book whose crossings are written down.
type watched struct {
	*book
	mu   sync.Mutex
	seen []string
}

func newWatched(t *testing.T) *watched {
	w := &watched{}
	w.book = newBook(t, time.UTC)
	w.watchAgain()
	return w
}

func (w *watched) watchAgain() {
	w.Ledger.watch = func(c Crossing) {
		_ = w.Totals(c.PermissionID) // the ledger can be asked
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, fmt.Sprintf("%s %d%% of %d %s a %s", c.PermissionID, c.Percent, c.Limit.Limit, c.Limit.Unit, c.Limit.Per))
	}
}

func (w *watched) want(t *testing.T, step string, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen)+len(want) > 0 && !reflect.DeepEqual(w.seen, want) {
		t.Errorf("%s: told %q, want %q", step, w.seen, want)
	}
	w.seen = nil
}

// Each part of a limit is told once a period, and again when there is more of
// it.
func TestCrossings(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	day := func(n int64) Document {
		return limits(Limit{Per: Day, Requests: n}, Limit{Per: Minute, Requests: 1000})
	}
	w.use(day(10), 7)
	held := w.take(day(10), 3)
	w.want(t, "what is held is not used")
	held[0].Settle(Usage{})
	w.want(t, "8 of 10", "per_a 80% of 10 requests a day")
	held[1].Settle(Usage{})
	held[2].Release()
	w.want(t, "9 of 10")
	w.use(day(10), 1)
	w.refused(day(10), ask, CodeRequestQuotaSpent)
	w.want(t, "10 of 10", "per_a 100% of 10 requests a day")

	w.close()
	w.open()
	w.watchAgain()
	w.refused(day(10), ask, CodeRequestQuotaSpent)
	w.want(t, "after a restart")

	w.use(day(12), 1)
	w.want(t, "raised to less than it takes")
	w.use(day(12), 1)
	w.want(t, "spent again", "per_a 100% of 12 requests a day")
	w.use(day(100), 1)
	w.want(t, "raised past all")
	w.use(day(16), 1)
	w.want(t, "lowered", "per_a 80% of 16 requests a day")

	w.move(24 * time.Hour)
	w.use(day(10), 7)
	w.want(t, "the next day")
	w.use(day(10), 3)
	w.want(t, "used in one go", "per_a 80% of 10 requests a day", "per_a 100% of 10 requests a day")
}

// Crumbs that no request can use up do not hide that a budget is used up, and
// a request that is too large for what is left does not make it so.
func TestCrossingsOfAmounts(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	d := limits(Limit{Per: Lifetime, Tokens: 10_000, Dollars: 1_000_000}, Limit{Per: Day, Tokens: 11_000})
	w.reserve(d, asking(100)).Settle(Usage{InputTokens: 8500})
	w.want(t, "8,500 of 10,000", "per_a 80% of 10000 tokens a lifetime")
	big := asking(10)
	big.InputTokens = 3000
	w.refused(d, big, CodeTokenBudgetSpent)
	w.want(t, "too large for what is left")
	w.reserve(d, asking(100)).Settle(Usage{InputTokens: 1450})
	w.want(t, "9,950 of 10,000", "per_a 80% of 11000 tokens a day")
	for range 3 {
		w.refused(d, asking(10), CodeTokenBudgetSpent)
	}
	w.want(t, "crumbs", "per_a 100% of 10000 tokens a lifetime")
}

// Many at once: each is told once.
func TestCrossingsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	d := limits(Limit{Per: Day, Requests: 100}, Limit{Per: Month, Dollars: 20_000})
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			for {
				r, err := w.Reserve("per_a", d, asking(10))
				if err != nil {
					return
				}
				r.Settle(Usage{InputTokens: 50, OutputTokens: 5})
			}
		})
	}
	all.Wait()
	told := map[string]int{}
	for _, s := range w.seen {
		told[s]++
	}
	if len(told) != 4 && len(told) != 3 || len(w.seen) != len(told) {
		t.Errorf("told %v", told)
	}
}
