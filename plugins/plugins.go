// Package plugins is the seam between the gateway and the services it keeps
// keys for.
//
// A provider turns a client's request into facts a policy can judge and into an
// upstream call made of the gateway's own words: method, path, query and headers
// come from the provider's manifest and from allowlists, never from the client's
// text. It reads the usage a provider reports from bytes on their way back.
//
// The package guarantees that what it described is what is sent: a body is read
// once, strictly, and refused when two readers could understand it differently
// (duplicate members, members that differ only in case, invalid UTF-8, a byte
// order mark, trailing data). It refuses every endpoint that is not listed.
//
// A provider never sees the vault: [Authorize] puts the one credential a call
// needs on it, after the policy has spoken. The package knows nothing of apps,
// permissions or storage.
package plugins

import (
	"net/http"
)

// A Provider is one service behind the gateway: a manifest and the dialect that
// understands its wire format. It is safe for concurrent use.
type Provider interface {
	// Manifest is the provider's declaration; its ID is the resource apps ask for.
	Manifest() Manifest

	// Describe reads a client's request and says what it is. The errors it
	// returns are *[Error]; an endpoint that is not listed in the manifest is
	// refused with status 404 and code unsupported_endpoint.
	Describe(Request) (*Call, error)

	// NewMeter returns the meter for one answer to call.
	NewMeter(call *Call) Meter

	// ResponseHeader returns the headers of a provider's answer that the client
	// may see: a fresh map made by allowlist. Framing headers (Content-Length,
	// Transfer-Encoding), Set-Cookie and WWW-Authenticate are never in it.
	ResponseHeader(upstream http.Header) http.Header

	// ErrorBody is a refusal in the JSON shape the dialect's own SDKs raise as
	// their exceptions. Its content type is application/json.
	ErrorBody(Failure) []byte

	// ErrorEvent is the last event of a stream that was cut: a whole event that
	// the dialect's SDKs raise as an error. It must follow a whole event.
	ErrorEvent(Failure) []byte

	// Probe is the cheapest call that tells whether a credential works.
	Probe() Probe
}

// Request is what a client sent, after authentication and with a bounded body.
type Request struct {
	Method string // as sent; matched case-sensitively (RFC 9110 section 9.1)
	// Path is what follows /r/<type>/<provider>, with its leading slash, as it
	// was on the wire (url.URL.EscapedPath), so that escapes can be refused.
	Path     string
	RawQuery string
	Header   http.Header // not modified, not retained
	Body     []byte      // the whole body; not modified
}

// Call is the upstream request that stands for a client's request. No member
// carries a credential.
type Call struct {
	Facts Facts

	Method   string
	Path     string // begins with a slash; to be appended to the path of the base URL
	RawQuery string
	Header   http.Header // allowlisted; owned by the call
	Body     []byte      // nil: no body

	// CapOutput returns body with its output cap lowered to limit, tokens per
	// choice. Set by the dialect; nil when the action has no output to cap.
	CapOutput func(body []byte, limit int64) ([]byte, error)

	// SpellOutput returns body with the output cap it has, in every spelling that
	// a server may read. Set by the dialect; nil when there is one spelling only.
	SpellOutput func(body []byte) ([]byte, error)

	// State is the dialect's own note about the request, for its meter.
	State any
}

// SetOutputCap makes the call ask for at most limit output tokens per choice; a
// lower cap the client asked for stays. It is a no-op on actions without output
// tokens. A limit below 1 is an error, and so is a body that no longer parses.
func (c *Call) SetOutputCap(limit int64) error {
	if limit < 1 {
		return Invalid("", "the output cap must be at least 1 token")
	}
	if c.CapOutput == nil {
		return nil
	}
	body, err := c.CapOutput(c.Body, limit)
	if err != nil {
		return err
	}
	c.Body = body
	if c.Facts.OutputTokens == 0 || c.Facts.OutputTokens > limit {
		c.Facts.OutputTokens = limit
	}
	return nil
}

// SpellOutputCap makes sure that whichever spelling of the output cap a server
// reads, it finds the request's. It is for servers that copy a provider's API
// in part; the provider itself may refuse to be told twice.
func (c *Call) SpellOutputCap() error {
	if c.SpellOutput == nil {
		return nil
	}
	body, err := c.SpellOutput(c.Body)
	if err != nil {
		return err
	}
	c.Body = body
	return nil
}

// Facts are what a policy judges.
type Facts struct {
	Action string // an action of the manifest, such as chat.completions
	Model  string // as the client names it; empty when the action has no model
	Stream bool   // the client asked for the answer as a stream
	Tools  bool   // the request offers the model tools, built-in ones included
	// OutputTokens is the cap the client asked for, in tokens for each choice;
	// 0 means it asked for none.
	OutputTokens int64
	// Choices is how many answers were asked for, at least 1 where the action
	// has choices and 0 where it has none. Total output is OutputTokens × Choices.
	Choices int64
}

// Failure is a refusal or a cut, to be put in a dialect's shape.
type Failure struct {
	Status    int    // the HTTP status of the answer, also on streams already begun
	Code      string // one of the gateway's codes, such as model_not_allowed
	Message   string // one sentence for a person
	RequestID string // the gateway's id of the request; may be empty
	Param     string // the body member at fault; may be empty
}

// Usage is what a provider says an answer cost, in tokens.
type Usage struct {
	InputTokens  int64 // all of the input, cached tokens included
	CachedTokens int64 // the part of InputTokens the provider read from its cache
	OutputTokens int64 // all of the output, reasoning included
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
}

// A Probe is a call without side effects or cost that shows whether a
// credential works.
type Probe struct {
	Method string
	Path   string      // begins with a slash; appended to the path of the base URL
	Header http.Header // without credential; owned by the caller

	// Explain turns the answer into words. Status 0 means that no answer came.
	// It quotes nothing from body, which may echo parts of a key.
	Explain func(status int, body []byte) Verdict
}

// Verdict is what a probe's answer means.
type Verdict struct {
	OK    bool   // the credential works
	Words string // one or two sentences that say what to do when it does not
}
