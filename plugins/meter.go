package plugins

// Usage is what a provider says an answer cost.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`       // all of the input, cached tokens included
	CachedTokens     int64 `json:"cached_tokens"`      // the part of InputTokens the provider read from its cache
	CacheWriteTokens int64 `json:"cache_write_tokens"` // the part of InputTokens the provider wrote to its cache
	OutputTokens     int64 `json:"output_tokens"`      // all of the output, reasoning included
	// Cost is what the provider itself says the answer cost, in nano-dollars; it
	// counts only with CostStated.
	Cost       int64 `json:"cost_nano_dollars,omitzero"`
	CostStated bool  `json:"-"`
}

// A Meter watches one answer go by and learns what it cost. Answers whose
// content type is text/event-stream go through Event, all others through Body.
// A meter is used by one goroutine at a time and keeps bounded memory.
type Meter interface {
	// Event takes one whole event as [EventReader] yields it and returns what to
	// forward: raw itself, or nil when the client did not ask for this event.
	Event(raw []byte) (forward []byte)

	// Body watches the next bytes of an answer that is not an event stream.
	// The bytes are forwarded unchanged by the caller.
	Body(chunk []byte)

	// Usage is what has been reported so far; false when nothing has been.
	Usage() (Usage, bool)

	// Seen is how many output tokens have gone by, all choices together: at least
	// what has been reported, else an estimate from the text in them, which never
	// falls and counts every event that carries output as one token or more. Of an
	// answer that is not an event stream it is estimated from its bytes.
	Seen() int64

	// Final reports whether Usage is the provider's last word. Until then it may
	// be a part, such as the input alone at the start of a stream.
	Final() bool
}

// Uncounted is the meter of answers that cost no tokens: it forwards all and
// reports nothing.
type Uncounted struct{}

// Event implements [Meter].
func (Uncounted) Event(raw []byte) []byte { return raw }

// Body implements [Meter].
func (Uncounted) Body([]byte) {}

// Usage implements [Meter].
func (Uncounted) Usage() (Usage, bool) { return Usage{}, false }

// Seen implements [Meter].
func (Uncounted) Seen() int64 { return 0 }

// Final implements [Meter]: there is nothing more to come.
func (Uncounted) Final() bool { return true }
