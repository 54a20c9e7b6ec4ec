package policy

import "fmt"

// ledgerRules are the ledger's checks, in their order after the rules.
var ledgerRules = [...]string{"rate", "concurrency", "limits"}

// Test lists every check of a document against a request, in order: the
// rules, then rate, concurrency and limits. Those before the first that fails
// pass, those after it are not reached. Live tells how the ledger's checks
// stand ([Ledger.Check]); with nil they are made as if nothing were used yet
// and nothing else ran. The error is live's.
func Test(d Document, req Request, live func() ([]Check, error)) ([]Check, error) {
	checks := d.Check(req)
	switch {
	case failed(checks):
		for _, name := range ledgerRules {
			checks = append(checks, Check{Rule: name, Result: NotReached})
		}
		return checks, nil
	case live == nil:
		return append(checks, d.checkUnused(req)...), nil
	}
	more, err := live()
	if err != nil {
		return nil, err
	}
	return append(checks, more...), nil
}

func failed(checks []Check) bool {
	for _, c := range checks {
		if c.Result == Fail {
			return true
		}
	}
	return false
}

// checkUnused makes the ledger's checks where nothing is used.
func (d Document) checkUnused(req Request) []Check {
	concurrency := pass(unrestricted)
	if d.Concurrency != 0 {
		concurrency = pass("nothing else is taken to run")
	}
	checks := make([]Check, 0, len(ledgerRules))
	for i, v := range [...]verdict{
		d.judgeUnused(req, func(l Limit) bool { return l.Per == Minute }),
		concurrency,
		d.judgeUnused(req, func(l Limit) bool { return l.Per != Minute }),
	} {
		if failed(checks) {
			v = verdict{}
		}
		c := v.check(ledgerRules[i])
		if failed(checks) {
			c.Result = NotReached
		}
		checks = append(checks, c)
	}
	return checks
}

// judgeUnused fails when the least that the request could take is more than
// all of a limit.
func (d Document) judgeUnused(req Request, which func(Limit) bool) verdict {
	reason := pass(unrestricted)
	for i, l := range d.Limits {
		if !which(l) || !req.countedBy(&l) {
			continue
		}
		reason = pass("nothing is taken to be used, and there is room")
		for _, u := range units {
			if v := l.judgeUnused(u, req); v.denied != nil {
				v.denied.Rule = fmt.Sprintf("limits[%d].%s", i, u)
				return v
			}
		}
	}
	return reason
}

func (l Limit) judgeUnused(u Unit, req Request) verdict {
	most := u.cap(l)
	if most == 0 {
		return pass("")
	}
	least, known := req.least()
	switch {
	case u.metered() && req.listsModels():
		return pass("")
	case u.metered() && !known:
		return fail(CodeInputCapExceeded, "the provider adds input of unknown size, and the model's context is not known either; send the whole input in the request")
	case u.actual(least, &req) <= most:
		return pass("")
	case l.Per == Minute:
		return fail(CodeRateLimited, "the request needs more than the whole limit of %s; send a smaller one", l.sentence(u))
	}
	return fail(u.spent(), "the request needs more than the whole limit of %s; send a smaller one", l.sentence(u))
}

// least is the usage of the request when each answer is one token long. Known
// is false when its input has no bound.
func (r *Request) least() (u Usage, known bool) {
	u = Usage{InputTokens: r.InputTokens, OutputTokens: r.Choices}
	if !r.InputUnknown {
		return u, true
	}
	context := r.bounds().MaxContext
	if context <= 0 {
		return u, false
	}
	u.InputTokens = max(u.InputTokens, context)
	return u, true
}
