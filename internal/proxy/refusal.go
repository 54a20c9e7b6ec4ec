package proxy

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins"
)

// refusal is what a client is told instead of, or at the end of, an answer.
type refusal struct {
	status     int
	code       string // of the protocol's table
	message    string
	known      string         // said instead of message where no stranger reads it: in a stream's last event, and to the owner
	retryAfter time.Duration  // 0: no Retry-After
	param      string         // the body member at fault
	bare       bool           // 401: no credentials came, so the challenge names no error
	denied     *policy.Denied // what a policy said; nil when none did
	final      bool           // sending the request again cannot help: ever, for hours, or before the owner has acted
}

// Error makes a refusal usable as the cause of a cancelled context.
func (r *refusal) Error() string { return r.code }

// failure is the refusal as a dialect takes it, for whoever asks.
func (r *refusal) failure(requestID string) plugins.Failure {
	return plugins.Failure{Status: r.status, Code: r.code, Message: r.message, RequestID: requestID, Param: r.param}
}

// lastEvent is the refusal for a client that has had a part of its answer, and
// so was authenticated.
func (r *refusal) lastEvent(requestID string) plugins.Failure {
	f := r.failure(requestID)
	f.Message = cmp.Or(r.known, r.message)
	return f
}

// write answers with the refusal. speaker gives the body its dialect; nil when
// no provider is known.
func (r *refusal) write(to *reply, speaker plugins.Provider) {
	h := to.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", r.challenge())
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(r.retryAfter), 10))
	}
	if r.final {
		h.Set("X-Should-Retry", "false") // SDKs try again on 409, 429 and most 5xx: at the cost of a request, and after as long as Retry-After says
	}
	if r.denied != nil && r.status == http.StatusTooManyRequests {
		writeLimit(h, r.denied)
	}
	body := plainBody(r.failure(to.id))
	if speaker != nil {
		body = speaker.ErrorBody(r.failure(to.id))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	to.WriteHeader(r.status)
	_, _ = to.Write(body) // a client that has gone needs no answer
}

// challenge is RFC 9449 section 7.1; without an error code when no credentials
// came (RFC 6750 section 3.1).
func (r *refusal) challenge() string {
	algs := `algs="` + dpop.Algorithms + `"`
	if r.bare {
		return "DPoP " + algs
	}
	return `DPoP error="` + r.code + `", ` + algs
}

// rule is the member of the policy document that refused; empty when none did.
func (r *refusal) rule() string {
	if r.denied == nil {
		return ""
	}
	return r.denied.Rule
}

// writeLimit tells where the limit stands and in what it counts; dollars are
// told as decimals. Reset is in seconds since 1970, and absent when the limit
// never resets.
func writeLimit(h http.Header, d *policy.Denied) {
	if d.Limit <= 0 {
		return
	}
	amount := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch _, unit, _ := strings.Cut(d.Rule, "]."); policy.Unit(unit) {
	case policy.NanoDollars:
		amount = func(n int64) string { return policy.Dollars(n).String() }
		fallthrough
	case policy.Requests, policy.Tokens:
		h.Set("X-RateLimit-Unit", unit)
	}
	h.Set("X-RateLimit-Limit", amount(d.Limit))
	h.Set("X-RateLimit-Remaining", amount(max(d.Remaining, 0)))
	if !d.ResetsAt.IsZero() {
		h.Set("X-RateLimit-Reset", strconv.FormatInt(d.ResetsAt.Unix(), 10))
	}
}

// wholeSeconds rounds up, so that a client that waits exactly that long is not
// too early.
func wholeSeconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// ErrorBody is a refusal in the shape that whoever sent r expects: that of the
// provider it is for, as its address says.
func (p *Proxy) ErrorBody(r *http.Request, f plugins.Failure) []byte {
	x := &exchange{p: p, request: r}
	if _ = x.route(); x.provider == nil { // a path that there is not has no dialect
		return plainBody(f)
	}
	return x.provider.ErrorBody(f)
}

// plainBody is for paths that belong to no dialect.
func plainBody(f plugins.Failure) []byte {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{
		"message": f.Message, "type": "invalid_request_error", "code": f.Code, "param": nil,
	}}) // strings and nil: cannot fail
	return body
}
