package policy

// Unit is what a limit counts. Amounts of every unit are int64.
type Unit string

// Requests counts requests, one each.
const Requests Unit = "requests"

// Usage is what a provider reported for one request, in tokens. Negative
// counts are taken as zero.
type Usage struct {
	InputTokens  int64 `json:"input_tokens"`
	CachedTokens int64 `json:"cached_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// Totals are a permission's settled requests and the tokens reported for
// them, over its lifetime. They are told, not capped.
type Totals struct {
	Requests int64 `json:"requests"`
	Usage
}
