package policy

import (
	"fmt"
	"slices"
	"time"
)

// shortly is how long to wait for what other requests hold or occupy.
const shortly = time.Second

// ledgerCheck is one of the ledger's checks and how it went.
type ledgerCheck struct {
	rule   string
	denied *Denied
}

// Check lists the ledger's checks (rate, concurrency, limits) as
// [Document.Check] lists the rules, taking nothing.
func (l *Ledger) Check(permissionID string, d Document, req Request) ([]Check, error) {
	l.mu.Lock()
	defer l.unlock()
	now, r := l.clock(), &Reservation{ledger: l, account: l.look(permissionID), need: newNeed(d, req)}
	var err error
	if r.holds, err = l.holds(r.account, d, req, now); err != nil {
		return nil, err
	}
	var checks []Check
	failed := false
	for _, c := range l.checks(r, d, r.room(), now) {
		if failed {
			checks = append(checks, Check{Rule: c.rule, Result: NotReached})
			continue
		}
		failed = c.denied != nil
		checks = append(checks, verdict{"there is room", c.denied}.check(c.rule))
	}
	return checks, nil
}

// Ready says whether rate, concurrency and the limits on requests let a request
// through, taking nothing: what can be said before anybody knows how large it
// is. The error is a *[Denied], or that of a document made in code.
func (l *Ledger) Ready(permissionID string, d Document, req Request) error {
	d.Limits = slices.Clone(d.Limits)
	for i := range d.Limits {
		d.Limits[i].Tokens, d.Limits[i].Dollars = 0, 0
	}
	l.mu.Lock()
	defer l.unlock()
	now, r := l.clock(), &Reservation{ledger: l, account: l.look(permissionID), need: newNeed(d, req)}
	var err error
	if r.holds, err = l.holds(r.account, d, req, now); err != nil {
		return err
	}
	for _, c := range l.checks(r, d, r.room(), now) {
		if c.denied != nil {
			return c.denied
		}
	}
	return nil
}

// checks are made in the order of the policy format.
func (l *Ledger) checks(r *Reservation, d Document, free room, now time.Time) [3]ledgerCheck {
	return [...]ledgerCheck{
		{"rate", l.checkHolds(r, free, now, func(h *hold) bool { return h.tally == nil })},
		{"concurrency", checkConcurrency(r.account.running, d)},
		{"limits", l.checkHolds(r, free, now, func(h *hold) bool { return h.tally != nil })},
	}
}

// checkHolds tells which of the holds there is no room for.
func (l *Ledger) checkHolds(r *Reservation, free room, now time.Time, which func(*hold) bool) *Denied {
	for i := range r.holds {
		h := &r.holds[i]
		if !which(h) {
			continue
		}
		if d := r.need.unmeasured(h.counts()); d != nil {
			return h.fill(d)
		}
		if h.counts().metered() && r.need.req.InputUnknown && r.account.unseen > 0 {
			d := denial(CodeBudgetHeld, "a request to which the provider adds input of unknown size is running, and under limits in tokens and dollars these run one by one; retry in a moment")
			d.RetryAfter = shortly
			return h.fill(d)
		}
		switch {
		case h.of(free.least) > h.best():
			return l.noRoom(r, h, h.of(free.least), now)
		case h.of(free.floor) > free.now(h):
			return l.noRoom(r, h, h.of(free.floor), now)
		}
	}
	return nil
}

func checkConcurrency(running int, d Document) *Denied {
	if d.Concurrency == 0 || running < d.Concurrency {
		return nil
	}
	denied := denial(CodeConcurrencyLimited, "%s may run at once, and so many do; wait for one to end",
		count(int64(d.Concurrency), "request"))
	denied.Rule = "concurrency"
	denied.Limit = int64(d.Concurrency)
	denied.RetryAfter = shortly
	return denied
}

// noRoom is the denial of an amount that a hold cannot be raised to. It tells
// what is spent from what running requests hold and may give back.
func (l *Ledger) noRoom(r *Reservation, h *hold, amount int64, now time.Time) *Denied {
	if h.tally == nil {
		return l.noRate(r, h, amount, now)
	}
	ends := h.limit.Per.end(h.tally.span, l.zone)
	spent, code := "is spent", h.counts().spent()
	if h.tally.settled < h.cap {
		spent = "has too little left for this request"
	}
	var d *Denied
	switch {
	case amount <= h.best():
		d = denial(CodeBudgetHeld, "what is left of the limit of %s is held by running requests; retry in a moment", h.words())
		d.RetryAfter = shortly
	case amount > h.cap && h.tally.settled < h.cap:
		d = denial(code, "the request needs more than the whole limit of %s; send a smaller one", h.words())
	case ends.IsZero():
		d = denial(code, "the limit of %s %s and does not reset; ask the owner for more", h.words(), spent)
	default:
		d = denial(code, "the limit of %s %s; it resets at %s", h.words(), spent, ends.Format(time.RFC3339))
		d.RetryAfter = max(ends.Sub(now), shortly)
	}
	d.ResetsAt = ends
	return h.fill(d)
}

// noRate is noRoom in a minute.
func (l *Ledger) noRate(r *Reservation, h *hold, amount int64, now time.Time) *Denied {
	if amount > h.best() {
		return h.fill(denial(CodeRateLimited, "the request needs more than the whole limit of %s; send a smaller one", h.words()))
	}
	ends := now.Add(time.Minute)
	if w, err := l.window(r.account, h.key, h.cap, now); err == nil && w.used > 0 {
		ends = w.ends
	}
	wait := min(max(ends.Sub(now), time.Second), time.Minute+time.Second)
	d := denial(CodeRateLimited, "the limit of %s is reached; retry after %v", h.words(), wait.Round(time.Second))
	d.RetryAfter, d.ResetsAt = wait, ends
	return h.fill(d)
}

// fill adds what every denial by a limit says.
func (h *hold) fill(d *Denied) *Denied {
	d.Rule = h.rule()
	d.Limit = h.cap
	d.Remaining = max(0, h.free())
	return d
}

func (h *hold) rule() string { return fmt.Sprintf("limits[%d].%s", h.index, h.counts()) }
