package proxy

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Nobody fills the owner's disk by being refused, or by asking for what fails
// before it reaches a provider, which no limit counts.
const (
	linesAtOnce    = 60
	linesPerMinute = 12
)

func newLineLimit() *rate.Limiter { return rate.NewLimiter(rate.Limit(linesPerMinute)/60, linesAtOnce) }

// denials limits the audit lines about refused requests: of each app, and of
// all strangers together, who have no app id.
type denials struct {
	mu   sync.Mutex
	byID map[string]*denialLines
}

type denialLines struct {
	limit      *rate.Limiter
	unrecorded int64
}

func newDenials() *denials { return &denials{byID: map[string]*denialLines{}} }

// admit reports whether a line may be written, and how many of that app were
// not since the last one that was.
func (d *denials) admit(appID string, now time.Time) (unrecorded int64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.byID[appID]
	if l == nil {
		l = &denialLines{limit: newLineLimit()}
		d.byID[appID] = l
	}
	if !l.limit.AllowN(now, 1) {
		l.unrecorded++
		return 0, false
	}
	unrecorded, l.unrecorded = l.unrecorded, 0
	return unrecorded, true
}

// attempts limits the requests of an app that are announced in the audit log
// and then do not reach their provider.
type attempts struct {
	mu    sync.Mutex
	byApp map[string]*appAttempts
}

type appAttempts struct {
	limit *rate.Limiter // one token for each that failed
	open  int           // announced, and not yet known how they went
}

func newAttempts() *attempts { return &attempts{byApp: map[string]*appAttempts{}} }

// begin reports whether the app may try. As long as nothing has failed, any
// number may; then only as many at a time as may fail.
func (a *attempts) begin(appID string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.byApp[appID]
	if of == nil {
		of = &appAttempts{limit: newLineLimit()}
		a.byApp[appID] = of
	}
	if left := int(of.limit.TokensAt(now)); left < linesAtOnce && of.open >= left {
		return false
	}
	of.open++
	return true
}

// end says how it went. Each begin that was true has one end.
func (a *attempts) end(appID string, now time.Time, reached bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.byApp[appID]
	of.open--
	if !reached {
		of.limit.AllowN(now, 1)
	}
}
