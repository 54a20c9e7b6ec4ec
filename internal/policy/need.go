package policy

const (
	// assumedOutput is the output, per choice, of a request that asks for none
	// and that no document bounds: where plenty times what its model may give is
	// free, it is that instead.
	assumedOutput = 16384
	plenty        = 4
	// worthwhile is the output, per choice, below which a request rather waits
	// for what others hold.
	worthwhile = 256
	// mostTokens bounds estimates, so that their products do not overflow.
	mostTokens = 1 << 30
)

// need is what one request asks of the ledger.
type need struct {
	req       Request
	input     int64 // upper estimate, in tokens
	perChoice int64 // output asked for, or assumed
	ample     int64 // what is assumed instead where the budget has plenty; 0 is no more
	choices   int64 // 0 is no output
	unbounded bool  // nobody else keeps the output to perChoice
	whole     bool  // all of the output is held from the start; else it grows
	dearCache bool  // writing the cache costs more than input
	unsized   bool  // nobody knows how large it is: only limits on requests are asked
}

func newNeed(d *Document, req *Request) need {
	n := need{
		req:     *req,
		input:   min(max(req.InputTokens, 0), mostTokens),
		choices: min(max(req.Choices, 0), mostTokens),
	}
	rate := req.bounds()
	if req.InputUnknown {
		n.input = max(n.input, min(rate.MaxContext, mostTokens))
	}
	n.dearCache = rate.CacheWrite > rate.Input
	for _, t := range rate.Tiers {
		n.dearCache = n.dearCache || t.CacheWrite > t.Input
	}
	n.whole = !req.Stream || req.OutputAtOnce || rate.Hidden
	n.perChoice = max(req.OutputTokens, 0)
	if n.perChoice == 0 {
		n.perChoice = outputCap(*d, *req)
	}
	if n.perChoice == 0 {
		n.perChoice, n.unbounded = assumedOutput, true
		switch most := rate.MaxOutput; {
		case most > assumedOutput:
			n.ample = min(most, mostTokens)
		case most > 0:
			n.perChoice, n.unbounded = most, false
		}
	}
	n.perChoice = min(n.perChoice, mostTokens)
	return n
}

// grows says that the request takes its output bit by bit.
func (n *need) grows() bool { return !n.whole && n.choices > 0 }

// output is the output, over all choices, that must be affordable for the
// request to begin as it is.
func (n *need) output() int64 {
	if n.whole {
		return n.choices * n.perChoice
	}
	return n.choices * min(n.perChoice, worthwhile)
}

// with is the request's usage with that much output.
func (n *need) with(output int64) Usage {
	return n.estimate(Usage{InputTokens: n.input, OutputTokens: output})
}

// estimate makes an estimate the worst that can become of it. Input the
// gateway cannot see stays counted. As long as nobody has told how much of the
// input goes into the cache, all of it may.
func (n *need) estimate(u Usage) Usage {
	if n.req.InputUnknown {
		u.InputTokens = max(u.InputTokens, n.input)
	}
	if n.dearCache && u.InputTokens >= n.input && u.CachedTokens <= 0 && u.CacheWriteTokens <= 0 {
		u.CacheWriteTokens = u.InputTokens
	}
	return u
}

// amounts are what a usage takes of each unit.
func (n *need) amounts(u Usage) amounts {
	var a amounts
	for i, unit := range units {
		a[i] = unit.actual(u, &n.req)
	}
	return a
}

// unmeasured is the denial of a request of which nobody can say what it will
// take of a unit.
func (n *need) unmeasured(u Unit) *Denied {
	req := &n.req
	switch {
	case !u.metered() || req.listsModels():
		return nil
	case u.priced() && !req.priced() && !req.free():
		return denial(CodeModelUnpriced, "the price of model %s is not known, and this permission has a limit in dollars; ask the owner to set one", quote(req.Model))
	case req.InputUnknown && req.bounds().MaxContext <= 0:
		return denial(CodeInputCapExceeded, "the provider adds input of unknown size to this request, and the context of model %s is not known; send all of the input, or ask the owner to lift the limits in tokens and dollars", quote(req.Model))
	}
	return nil
}
