package policy

// Unit is what a limit counts. Amounts of every unit are int64.
//
// A unit is a column of the same counters, not another mechanism: adding one
// means a constant here, its entry in units, its cap in [Limit], and its
// answers to the questions below. The ledger asks nothing else.
type Unit string

// Requests counts requests, one each, and each message of a mail request;
// Tokens input and output together;
// NanoDollars money.
const (
	Requests    Unit = "requests"
	Tokens      Unit = "tokens"
	NanoDollars Unit = "dollars"
)

// units is every unit, in the order in which a limit's caps are held against
// a request.
var units = [...]Unit{Requests, Tokens, NanoDollars}

// amounts are an amount of each of units.
type amounts [len(units)]int64

// cap is what the limit allows of the unit in one period; 0 is no cap.
func (u Unit) cap(l Limit) int64 {
	switch u {
	case Requests:
		return l.Requests
	case Tokens:
		return l.Tokens
	case NanoDollars:
		return int64(l.Dollars)
	}
	return 0
}

// actual is what a request with that usage took, at most most. One without a
// price costs nothing.
func (u Unit) actual(used Usage, req *Request) int64 {
	switch u {
	case Requests:
		return req.messages()
	case Tokens:
		return saturate(saturate(0, used.InputTokens), used.OutputTokens)
	case NanoDollars:
		return used.cost(req.Rate)
	}
	return most
}

// metered says that a request takes as much as it uses; priced
// that it takes a price to know how much.
func (u Unit) metered() bool { return u != Requests }
func (u Unit) priced() bool  { return u == NanoDollars }

// attempt is what a request takes of a rate that came to nothing.
func (u Unit) attempt(req *Request) int64 {
	if u.metered() {
		return 0
	}
	return u.actual(Usage{}, req)
}

// spent is the code of a denial when nothing is left.
func (u Unit) spent() string {
	switch u {
	case Tokens:
		return CodeTokenBudgetSpent
	case NanoDollars:
		return CodeDollarBudgetSpent
	}
	return CodeRequestQuotaSpent
}

// block is how far a counter's durable ceiling may stand above what is used,
// and so how much a crash can waste: a sixteenth of the cap, within bounds
// that keep a small cap exact and what a large one wastes small.
func (u Unit) block(limit int64) int64 {
	largest := int64(1024)
	switch u {
	case Tokens:
		largest = 4 << 20
	case NanoDollars:
		largest = 4_000_000_000 // 4 $
	}
	return min(max(limit/16, 1), largest)
}
