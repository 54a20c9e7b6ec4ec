package policy

// Unit is what a limit counts. Amounts of every unit are int64.
//
// A unit is a column of the same counters, not another mechanism: adding one
// means a constant here, its entry in units, its cap in [Limit], and its
// answers to the five questions below. The ledger asks nothing else.
type Unit string

// Requests counts requests, one each.
const Requests Unit = "requests"

// units is every unit, in the order in which a limit's caps are held against
// a request.
var units = [...]Unit{Requests}

// cap is what the limit allows of the unit in one period; 0 is no cap.
func (u Unit) cap(l Limit) int64 {
	switch u {
	case Requests:
		return l.Requests
	}
	return 0
}

// hold is what the request takes until it is settled.
func (u Unit) hold(Request) int64 { return 1 }

// actual is what a request with that usage took.
func (u Unit) actual(Usage) int64 { return 1 }

// spent is the code of a denial when nothing is left.
func (u Unit) spent() string { return CodeRequestQuotaSpent }

// block is how far a counter's durable ceiling runs ahead of what is used,
// and so how much a crash can waste: a sixteenth of the cap, within bounds
// that keep a small cap exact and a large one from writing all the time.
func (u Unit) block(limit int64) int64 {
	const largest = 1024
	return min(max(limit/16, 1), largest)
}

// Usage is what a provider reported for one request, in tokens. Negative
// counts are taken as zero.
type Usage struct {
	InputTokens  int64 `json:"input_tokens"`
	CachedTokens int64 `json:"cached_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// Totals are a permission's settled requests and the tokens reported for
// them, over its lifetime. They are told, not capped: a crash may lose the
// last seconds of them.
type Totals struct {
	Requests int64 `json:"requests"`
	Usage
}

// add counts one settled request.
func (t *Totals) add(u Usage) {
	t.Requests = saturate(t.Requests, 1)
	t.InputTokens = saturate(t.InputTokens, u.InputTokens)
	t.CachedTokens = saturate(t.CachedTokens, u.CachedTokens)
	t.OutputTokens = saturate(t.OutputTokens, u.OutputTokens)
}

// most is as far as any count goes. Two of them and a cap still add up without
// overflow, which would turn a spent limit into an open one.
const most = 1 << 61

// saturate adds a count to a total that stops at most: a provider's numbers
// are not to be trusted.
func saturate(total, n int64) int64 {
	if n <= 0 {
		return total
	}
	return min(total+min(n, most), most)
}
