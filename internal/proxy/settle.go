package proxy

import (
	"cmp"
	"math"
	"net/http"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
)

// bill is what an exchange was counted as.
type bill struct {
	charged   bool // by the limits; else they got everything back
	estimated bool // the provider did not report it all
	usage     policy.Usage
	cost      int64 // nano-dollars; 0 where no price is known
}

// settle puts what was used in the place of what was held:
//
//	the provider has not seen it, or a model's answered an error nothing
//	it reported                                                 what it said
//	a stream ended without a report                             the input, and the output that went by
//	another answer did                                          the same, up to its output cap
//	stopped, or made at once and not reported                   all it may have cost
func (x *exchange) settle() {
	if x.reservation == nil {
		return
	}
	if !x.executed() {
		x.reservation.Release()
		return
	}
	x.bill = x.charge()
	x.reservation.Settle(x.bill.usage)
}

// executed says that the provider has done something, or may have, that counts.
// A model's error counts as nothing; of everything else, only an answer that says
// that nothing was done does.
func (x *exchange) executed() bool {
	switch {
	case !x.reached():
		return false
	case !x.failed || x.try.res == nil:
		return !x.failed || !x.asksModel()
	case x.asksModel():
		return false
	}
	switch x.try.res.StatusCode {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired,
		http.StatusNotImplemented, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported:
		return false
	}
	return true
}

// final says that the provider's report is its last word, and one to believe:
// output that went by was not nothing.
func (x *exchange) final() bool {
	if x.meter == nil || !x.meter.Final() {
		return false
	}
	reported, _ := x.meter.Usage()
	return reported.OutputTokens > 0 || x.facts.Choices <= 0 || x.meter.Seen() <= 0
}

func (x *exchange) charge() bill {
	b := bill{charged: true, estimated: !x.final()}
	if x.meter != nil {
		reported, _ := x.meter.Usage()
		b.usage = policy.Usage(reported)
	}
	if b.estimated {
		x.estimate(&b.usage)
		b.estimated = b.usage != policy.Usage{} // of nothing, nothing is to be reported
	}
	b.cost = x.cost(b.usage)
	return b
}

// estimate makes a report that is missing, or a part, into what the answer will
// have cost. It never takes anything from what was reported.
func (x *exchange) estimate(u *policy.Usage) {
	held := x.reservation.Held()
	switch { // what a provider adds to the input in turns of its own is reported last
	case u.InputTokens == 0:
		u.InputTokens = x.input(held.InputTokens)
		u.CacheWriteTokens = min(held.CacheWriteTokens, u.InputTokens)
	case x.facts.InputUnknown:
		u.InputTokens = max(u.InputTokens, held.InputTokens)
	}
	u.OutputTokens = max(u.OutputTokens, x.output(held.OutputTokens))
	if stated := *u; u.CostStated { // so far
		u.Cost, u.CostStated = 0, false
		if x.cost(*u) < stated.Cost {
			*u = stated
		}
	}
}

// output is how many tokens an answer without a report had, or may have had.
// Of one whose model thinks where nobody sees it, or that comes at once, what
// went by says little.
func (x *exchange) output(held int64) int64 {
	unseen := x.facts.OutputAtOnce || x.facts.HidesOutput() && !x.whole
	switch {
	case unseen && held > 0, x.meter == nil && !x.facts.Stream:
		return held
	case x.meter == nil:
		return 0
	case x.facts.Stream && !x.facts.OutputAtOnce:
		return x.covered.OutputTokens
	}
	return min(x.meter.Seen(), cmp.Or(held, x.asked()))
}

// asked is the output that a request without a hold of any may have had: where
// no limit counts tokens or dollars none is held, and it is told all the same.
func (x *exchange) asked() int64 {
	each, choices := x.facts.OutputTokens, x.facts.Choices
	if each <= 0 || choices <= 0 || each > math.MaxInt64/choices {
		return math.MaxInt64
	}
	return each * choices
}

// input is how many tokens were read that the provider did not report. What it
// adds itself nobody sees: then it is all that was held.
func (x *exchange) input(held int64) int64 {
	switch {
	case x.facts.InputUnknown:
		return max(held, x.facts.InputTokens)
	case x.closer.possible():
		return x.closer.tokens()
	}
	return x.facts.InputTokens
}

// grow has the limits cover what has gone by so far, before it is forwarded.
// What the provider reports last is covered by settling. A server may take
// that back and go on: what comes then is covered like any other.
// Errors: *policy.Denied, policy.ErrUnavailable.
func (x *exchange) grow() error {
	u := x.soFar()
	if u == x.covered || x.failed { // an error costs nothing
		return nil
	}
	if last := x.meter.Final() && !x.reported; last {
		x.reported = true
	} else if err := x.cover(u); err != nil {
		return err
	}
	x.covered = x.soFar()
	return nil
}

// cover asks for more, and once more with a closer estimate of the input before
// it gives up.
func (x *exchange) cover(u policy.Usage) error {
	err := x.reservation.Grow(u)
	if err == nil || !x.closer.possible() || x.closer.tokens() >= u.InputTokens {
		return err
	}
	x.facts.InputTokens = x.closer.tokens()
	if closer := x.soFar(); closer != u {
		err = x.reservation.Grow(closer)
	}
	return err
}

// soFar is what a stream has used, if it ended here.
func (x *exchange) soFar() policy.Usage {
	reported, _ := x.meter.Usage()
	u := policy.Usage(reported)
	u.Cost, u.CostStated = 0, false
	if u.InputTokens == 0 {
		u.InputTokens = x.facts.InputTokens
	}
	u.OutputTokens = max(u.OutputTokens, x.meter.Seen())
	return u
}

// cost is what usage costs, in nano-dollars: as the provider states it, or by
// the price table; 0 where neither knows.
func (x *exchange) cost(u policy.Usage) int64 {
	switch {
	case u.CostStated:
		return u.Cost
	case x.facts.Rate == nil:
		return 0
	}
	return x.facts.Rate.Cost(price.Tokens{
		Input: u.InputTokens, Cached: u.CachedTokens, CacheWrite: u.CacheWriteTokens, Output: u.OutputTokens,
	})
}
