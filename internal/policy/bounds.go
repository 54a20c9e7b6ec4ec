package policy

// Bounds on documents. They are generous for people and keep what is stored,
// matched on each request and shown on one screen small.
const (
	// MaxDocumentBytes bounds one document's JSON, MaxDocuments how many may be
	// given at once.
	MaxDocumentBytes = 64 << 10
	MaxDocuments     = 32

	maxActions     = 64
	maxGlobs       = 64
	maxLimits      = 32
	maxNameBytes   = 64  // of a resource's halves and of an action
	maxGlobBytes   = 128 // of a model or a glob over models
	maxAmount      = 1_000_000_000_000
	maxDollars     = maxAmount * 1_000_000 // a thousand million, in nano-dollars
	maxConcurrency = 10_000

	firstYear = 2000 // times before it are mistakes; the zero time among them would mean "forever"
	lastYear  = 9999 // RFC 3339 has no later one
)
