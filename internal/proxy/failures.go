package proxy

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An app's requests that a provider answers with an error count in no limit, so
// there may be only so many of them.
const (
	failuresAMinute = 60
	failuresAnHour  = 1000
	maxFailing      = 4096 // apps
)

// failures limits the requests of each app that reach a provider, fail there and
// cost nothing.
type failures struct {
	mu    sync.Mutex
	byApp map[string]failing
}

// failing are an app's limits, by the minute and by the hour. Those that fail
// while none are left are owed.
type failing [2]*rate.Limiter

func newFailures() *failures { return &failures{byApp: map[string]failing{}} }

// count takes note of one.
func (f *failures) count(appID string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of, there := f.byApp[appID]
	if !there {
		f.makeRoom(now)
		of = failing{
			rate.NewLimiter(failuresAMinute/rate.Limit(time.Minute.Seconds()), failuresAMinute),
			rate.NewLimiter(failuresAnHour/rate.Limit(time.Hour.Seconds()), failuresAnHour),
		}
		f.byApp[appID] = of
	}
	for _, l := range of {
		l.ReserveN(now, 1)
	}
}

// wait is how long the app has to wait before it may fail again; 0 is not at all.
func (f *failures) wait(appID string, now time.Time) (longest time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.byApp[appID] {
		if l == nil {
			continue
		}
		if missing := 1 - l.TokensAt(now); missing > 0 {
			longest = max(longest, time.Duration(missing/float64(l.Limit())*float64(time.Second))+time.Millisecond)
		}
	}
	return longest
}

// makeRoom forgets apps that owe nothing, and any when there are too many.
func (f *failures) makeRoom(now time.Time) {
	if len(f.byApp) < maxFailing {
		return
	}
	for id, of := range f.byApp {
		if of[1].TokensAt(now) >= failuresAnHour {
			delete(f.byApp, id)
		}
	}
	for id := range f.byApp {
		if len(f.byApp) < maxFailing {
			return
		}
		delete(f.byApp, id)
	}
}
