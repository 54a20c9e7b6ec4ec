package policy

import "time"

// shortly is how long to wait for what other requests hold or occupy.
const shortly = time.Second

// Check lists the ledger's checks (rate, concurrency, limits) as
// [Document.Check] lists the rules, taking nothing.
func (l *Ledger) Check(permissionID string, d Document, req Request) ([]Check, error) {
	at, denied, err := l.would(permissionID, &d, newNeed(&d, &req))
	if err != nil {
		return nil, err
	}
	checks := make([]Check, len(ledgerRules))
	for i, rule := range ledgerRules {
		switch {
		case denied == nil || i < at:
			checks[i] = pass("there is room").check(rule)
		case i == at:
			checks[i] = verdict{denied: denied}.check(rule)
		default:
			checks[i] = Check{Rule: rule, Result: NotReached}
		}
	}
	return checks, nil
}

// Ready says whether rate, concurrency and the limits on requests let a request
// through, taking nothing: what can be said before anybody knows how large it
// is. The error is a *[Denied], or that of a document made in code.
func (l *Ledger) Ready(permissionID string, d Document, req Request) error {
	n := newNeed(&d, &req)
	n.unsized = true
	_, denied, err := l.would(permissionID, &d, n)
	if denied != nil {
		return denied
	}
	return err
}

// would says what became of a request now: the first of ledgerRules that denies
// it, and how.
func (l *Ledger) would(permissionID string, d *Document, n need) (rule int, denied *Denied, err error) {
	l.mu.Lock()
	defer l.unlock()
	now, r := l.clock(), &Reservation{ledger: l, account: l.look(permissionID), need: n}
	if r.holds, err = l.holds(nil, r.account, d, &r.need, now); err != nil {
		return 0, nil, err
	}
	free := r.room()
	rule, denied = l.check(r, d, &free, now)
	return rule, denied, nil
}

// check makes the checks of ledgerRules, in their order.
func (l *Ledger) check(r *Reservation, d *Document, free *room, now time.Time) (rule int, denied *Denied) {
	if denied = l.checkHolds(r, free, now, true); denied != nil {
		return 0, denied
	}
	if denied = checkConcurrency(r.account.running, d); denied != nil {
		return 1, denied
	}
	return 2, l.checkHolds(r, free, now, false)
}

// checkHolds tells which of the holds in minutes, or of the others, there is no
// room for.
func (l *Ledger) checkHolds(r *Reservation, free *room, now time.Time, minutes bool) *Denied {
	for i := range r.holds {
		h := &r.holds[i]
		if minutes != (h.tally == nil) {
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

func checkConcurrency(running int, d *Document) *Denied {
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
		return noRate(r, h, amount, now)
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
func noRate(r *Reservation, h *hold, amount int64, now time.Time) *Denied {
	if amount > h.best() {
		return h.fill(denial(CodeRateLimited, "the request needs more than the whole limit of %s; send a smaller one", h.words()))
	}
	ends := now.Add(time.Minute)
	if used, over := r.account.minutes.look(h.window, h.cap, now); used > 0 {
		ends = over
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
