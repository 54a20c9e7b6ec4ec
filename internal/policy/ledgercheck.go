package policy

import (
	"fmt"
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
	defer l.mu.Unlock()
	now, a := l.clock(), l.look(permissionID)
	charges, err := l.charges(a, d, req, now)
	if err != nil {
		return nil, err
	}
	var checks []Check
	failed := false
	for _, c := range l.checks(a, d, charges, now) {
		if failed {
			checks = append(checks, Check{Rule: c.rule, Result: NotReached})
			continue
		}
		failed = c.denied != nil
		checks = append(checks, verdict{"there is room", c.denied}.check(c.rule))
	}
	return checks, nil
}

// checks are made in the order of the policy format.
func (l *Ledger) checks(a *account, d Document, charges []charge, now time.Time) [3]ledgerCheck {
	return [...]ledgerCheck{
		{"rate", l.checkRate(charges, now)},
		{"concurrency", checkConcurrency(a, d)},
		{"limits", l.checkLimits(charges, now)},
	}
}

func (l *Ledger) checkRate(charges []charge, now time.Time) *Denied {
	for _, c := range charges {
		if c.tally != nil || c.window.used+c.amount <= c.cap {
			continue
		}
		wait := min(max(c.window.ends.Sub(now), time.Second), time.Minute+time.Second)
		d := denial(CodeRateLimited, "the limit of %s is reached; retry after %v", c.words(), wait.Round(time.Second))
		d.RetryAfter, d.ResetsAt = wait, c.window.ends
		return c.fill(d)
	}
	return nil
}

func checkConcurrency(a *account, d Document) *Denied {
	if d.Concurrency == 0 || a.running < d.Concurrency {
		return nil
	}
	denied := denial(CodeConcurrencyLimited, "%s may run at once, and so many do; wait for one to end",
		count(int64(d.Concurrency), "request"))
	denied.Rule = "concurrency"
	denied.Limit = int64(d.Concurrency)
	denied.RetryAfter = shortly
	return denied
}

// checkLimits tells what is spent from what running requests hold and may
// give back.
func (l *Ledger) checkLimits(charges []charge, now time.Time) *Denied {
	for _, c := range charges {
		if c.tally == nil || c.tally.used()+c.amount <= c.cap {
			continue
		}
		ends := c.limit.Per.end(c.tally.span, l.zone)
		var d *Denied
		switch {
		case c.tally.settled+c.amount <= c.cap:
			d = denial(CodeBudgetHeld, "what is left of the limit of %s is held by running requests; retry in a moment", c.words())
			d.RetryAfter = shortly
		case ends.IsZero():
			d = denial(c.unit.spent(), "the limit of %s is spent and does not reset; ask the owner for more", c.words())
		default:
			d = denial(c.unit.spent(), "the limit of %s is spent; it resets at %s", c.words(), ends.Format(time.RFC3339))
			d.RetryAfter = max(ends.Sub(now), shortly)
		}
		d.ResetsAt = ends
		return c.fill(d)
	}
	return nil
}

// fill adds what every denial by a limit says.
func (c charge) fill(d *Denied) *Denied {
	d.Rule = fmt.Sprintf("limits[%d].%s", c.index, c.unit)
	d.Limit = c.cap
	settled, held := c.counted()
	d.Remaining = max(0, c.cap-settled-held)
	return d
}

// words says the charge's limit: "50 requests a day to gpt-4o".
func (c charge) words() string { return c.limit.sentence(c.unit) }
