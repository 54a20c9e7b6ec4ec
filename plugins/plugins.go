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
	"io"
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
	Body     []byte      // the whole body; not modified; nil when there is an upload

	// Upload is the whole body when it is too large to be held in memory. Only a
	// provider that is an [Uploader] and asked for it gets one. It is read with
	// ReadAt, by several readers at once and again for every try.
	Upload *io.SectionReader
}

// An Uploader is a provider with actions whose bodies may be large, such as the
// recordings of a transcription. The gateway then keeps the body outside of its
// memory until the request is over.
type Uploader interface {
	// TakesUpload reports whether the request, of which only method, path and
	// headers are known yet, is to be described from an upload.
	TakesUpload(Request) bool
}

// Failure is a refusal or a cut, to be put in a dialect's shape.
type Failure struct {
	Status    int    // the HTTP status of the answer, also on streams already begun
	Code      string // one of the gateway's codes, such as model_not_allowed
	Message   string // one sentence for a person
	RequestID string // the gateway's id of the request; may be empty
	Param     string // the body member at fault; may be empty
}
