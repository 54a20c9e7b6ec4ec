package alerts

import "time"

// When refusals are a burst, and how often one app's are worth an alert.
const (
	burstCount = 20
	burstTime  = time.Minute
	burstPause = 15 * time.Minute
	maxBursts  = 4096 // apps watched at a time
)

// Crossing is an app that reached a part of a limit.
type Crossing struct {
	AppID, AppName, Resource string

	Limit Limit // with Percent 80 or 100
}

// Crossed raises an alert for a limit. The caller sees to it that it happens
// once per limit and period.
func (b *Board) Crossed(c Crossing) {
	kind := LimitNear
	if c.Limit.Percent >= 100 {
		kind = LimitReached
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.raise(Alert{Kind: kind, AppID: c.AppID, AppName: c.AppName, Resource: c.Resource, Limit: &c.Limit})
}

// Denial is one refused request of an app that is known.
type Denial struct {
	AppID, AppName, Resource string

	Code string // of the protocol
}

// Denied counts a refusal, and raises an alert when an app is refused again
// and again.
func (b *Board) Denied(d Denial) {
	now := b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	took, burst := b.bursts.count(d.AppID, now)
	if !burst {
		return
	}
	b.raise(Alert{
		Kind: DeniedBurst, AppID: d.AppID, AppName: d.AppName, Resource: d.Resource,
		Denied: &Burst{Count: burstCount, Seconds: int64(max(took.Round(time.Second), time.Second) / time.Second), Code: d.Code},
	})
}

// bursts remembers the last refusals of each app.
type bursts map[string]*recent

// recent is when the last refusals of one app were, round and round.
type recent struct {
	at     [burstCount]time.Time
	next   int
	raised time.Time
}

// count takes note of a refusal and says whether it makes a burst, and how
// long that took.
func (all bursts) count(app string, now time.Time) (took time.Duration, burst bool) {
	r := all[app]
	if r == nil {
		all.makeRoom()
		r = &recent{}
		all[app] = r
	}
	r.at[r.next] = now
	r.next = (r.next + 1) % burstCount
	oldest := r.at[r.next]
	took = now.Sub(oldest)
	if oldest.IsZero() || took > burstTime || now.Sub(r.raised) < burstPause {
		return 0, false
	}
	r.raised = now
	return took, true
}

// makeRoom forgets an app when there are too many: of a few, the one that was
// refused the longest ago. To look at all would make each refusal dear.
func (all bursts) makeRoom() {
	const few = 8
	if len(all) < maxBursts {
		return
	}
	oldest, seen := "", 0
	var when time.Time
	for app, r := range all { // in no order
		if last := r.last(); seen == 0 || last.Before(when) {
			oldest, when = app, last
		}
		if seen++; seen == few {
			break
		}
	}
	delete(all, oldest)
}

// last is when the app was refused last.
func (r *recent) last() time.Time { return r.at[(r.next+burstCount-1)%burstCount] }
