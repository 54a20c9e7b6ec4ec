package policy

import "time"

// LimitState is where one limit stands.
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
	defer l.mu.Unlock()
	now, a := l.clock(), l.look(permissionID)
	var all []LimitState
	for _, limit := range d.Limits {
		for _, u := range units {
			if u.cap(limit) == 0 || !limit.Per.known() {
				continue
			}
			all = append(all, l.state(a, d, limit, u, now))
		}
	}
	return all
}

func (l *Ledger) state(a *account, d Document, limit Limit, u Unit, now time.Time) LimitState {
	s := LimitState{Per: limit.Per, Model: limit.Model, Unit: u, Limit: u.cap(limit)}
	c, err := l.charge(a, d, limit, u, now)
	if err != nil {
		l.log.Warn("reading a rate failed; it is shown as unused", "error", err)
		return s
	}
	s.Used, s.Held = c.counted()
	switch {
	case c.tally != nil:
		s.ResetsAt = limit.Per.end(c.tally.span, l.zone)
	case s.Used > 0:
		s.ResetsAt = c.window.ends
	}
	return s
}
