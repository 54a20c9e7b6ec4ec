package price

// Rate is what one model costs, if that is known, and how large its requests can be. Prices are in
// nano-dollars per million tokens, at least 0.
type Rate struct {
	Input      int64 `json:"input"`
	Output     int64 `json:"output"`
	CacheRead  int64 `json:"cache_read"`
	CacheWrite int64 `json:"cache_write"`
	// Request is in nano-dollars for each request.
	Request int64 `json:"request,omitzero"`
	// Tiers are the prices of requests with longer inputs, ascending.
	Tiers []Tier `json:"tiers,omitzero"`
	// MaxContext and MaxOutput are the model's bounds in tokens; 0 is unknown.
	MaxContext int64 `json:"max_context,omitzero"`
	MaxOutput  int64 `json:"max_output,omitzero"`
	// Hidden says that the model may produce output tokens that no client sees.
	Hidden bool `json:"hidden,omitzero"`
	// Unpriced says that only the bounds are known: the prices are none, not 0.
	Unpriced bool `json:"-"`
}

// Tier is the price of all tokens of a request with more than Above input tokens.
type Tier struct {
	Above      int64 `json:"above"`
	Input      int64 `json:"input"`
	Output     int64 `json:"output"`
	CacheRead  int64 `json:"cache_read"`
	CacheWrite int64 `json:"cache_write"`
}

// Tokens are the tokens of one request. Cached (read from the provider's cache)
// and CacheWrite (written to it) are part of Input. Negative counts are zero.
type Tokens struct {
	Input, Cached, CacheWrite, Output int64
}
