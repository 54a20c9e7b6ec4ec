package policy

import "time"

// LimitState is where one limit stands. Amounts are in its unit; of
// [NanoDollars], nano-dollars.
type LimitState struct {
	Per      Period    `json:"per"`
	Model    string    `json:"model,omitzero"`
	Unit     Unit      `json:"unit"`
	Limit    int64     `json:"limit"`
	Used     int64     `json:"used"`               // settled
	Held     int64     `json:"held"`               // by running requests
	ResetsAt time.Time `json:"resets_at,omitzero"` // absent when nothing is under way or it never resets
}

// Limits tells where each of the document's limits stands, one state for each
// unit of each limit, in the document's order.
func (l *Ledger) Limits(permissionID string, d Document) []LimitState {
	l.mu.Lock()
	defer l.unlock()
	now, a := l.clock(), l.look(permissionID)
	var all []LimitState
	for i := range d.Limits {
		for _, u := range units {
			limit := &d.Limits[i]
			if u.cap(*limit) == 0 || !limit.Per.known() {
				continue
			}
			all = append(all, l.state(a, d.Limits, limit, u, now))
		}
	}
	return all
}

func (l *Ledger) state(a *account, all []Limit, limit *Limit, u Unit, now time.Time) LimitState {
	s := LimitState{Per: limit.Per, Model: limit.Model, Unit: u, Limit: u.cap(*limit)}
	if limit.Per != Minute {
		today := dateOf(now, l.zone)
		t := a.counter(all, limit, u, today).at(today)
		s.Used, s.Held, s.ResetsAt = t.settled, t.held, limit.Per.end(t.span, l.zone)
		return s
	}
	used, over := a.minutes.look(a.minutes.window(rated{u, countedModel(limit.Model)}), s.Limit, now)
	if s.Used = used; used > 0 {
		s.ResetsAt = over
	}
	return s
}
