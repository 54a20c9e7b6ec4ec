package proxy

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// Why an exchange was refused or cut, where no other room has a name for it.
var (
	errUnknownResource = errors.New("no provider has this path")
	errUpgrade         = errors.New("protocol upgrade asked for")
	errBodyTooLarge    = errors.New("body over the gateway's bound")
	errBodyRead        = errors.New("body did not arrive whole")
	errBodyMemory      = errors.New("bodies in memory are at their bound")
	errCrowded         = errors.New("running requests are at their bound")
	errFrozen          = errors.New("gateway is frozen")
	errShuttingDown    = errors.New("gateway is shutting down")
	errRevoked         = errors.New("session or app was ended")
	errSuspended       = errors.New("app is suspended")
	errExpired         = errors.New("permission expired")
	errUpstream        = errors.New("provider failed")
	errUpstreamTimeout = errors.New("provider took too long")
)

const (
	codeInternal = "internal_error"
	codeUpstream = "upstream_error"

	// One text for every way to fail, so that nobody learns which it was.
	authenticationFailed = "Authentication failed. Sign each request with the app's key and a current access token; " +
		"if that does not help, pair the app again."
)

// refusal is what a client is told instead of, or at the end of, an answer.
type refusal struct {
	status     int
	code       string // of the protocol's table
	message    string
	retryAfter time.Duration  // 0: no Retry-After
	param      string         // the body member at fault
	bare       bool           // 401: no credentials came, so the challenge names no error
	limit      *policy.Denied // 429: where the limit stands
}

// Error makes a refusal usable as the cause of a cancelled context.
func (r *refusal) Error() string { return r.code }

// refusals maps every sentinel to status, code and public words. The first row
// that matches counts.
func refusals() []struct {
	is error
	as refusal
} {
	type row = struct {
		is error
		as refusal
	}
	return []row{
		{pairing.ErrNoCredentials, refusal{status: 401, code: "invalid_token", message: authenticationFailed, bare: true}},
		{pairing.ErrInvalidToken, refusal{status: 401, code: "invalid_token", message: authenticationFailed}},
		{errRevoked, refusal{status: 401, code: "invalid_token", message: authenticationFailed}},
		{dpop.ErrInvalidProof, refusal{status: 401, code: "invalid_dpop_proof", message: authenticationFailed}},

		{errBodyRead, refusal{status: 400, code: plugins.CodeInvalidRequest, message: "The request body did not arrive whole or in time."}},
		{errUpgrade, refusal{status: 400, code: plugins.CodeInvalidRequest, message: "Protocol upgrades are not supported here."}},
		{errSuspended, refusal{status: 403, code: "app_suspended", message: "The owner has suspended this app."}},
		{errExpired, refusal{status: 403, code: "permission_expired", message: "The permission has expired. Ask the owner for a new one."}},
		{errUnknownResource, refusal{status: 404, code: "unknown_resource", message: "No provider is known at this path. Use /r/<type>/<provider>/..."}},
		{errBodyTooLarge, refusal{status: 413, code: "body_too_large", message: "The request body is larger than the gateway accepts."}},
		{errBodyMemory, refusal{status: 429, code: "concurrency_limited", message: "The gateway is handling too many large requests. Try again shortly.", retryAfter: time.Second}},
		{errCrowded, refusal{status: 429, code: "concurrency_limited", message: "The gateway is handling too many requests. Try again shortly.", retryAfter: time.Second}},

		{vault.ErrNoCredential, refusal{status: 502, code: codeUpstream, message: "The owner has stored no key for this resource."}},
		{plugins.ErrSecret, refusal{status: 502, code: codeUpstream, message: "The stored key for this resource cannot be used. The owner must add it again."}},
		{errUpstream, refusal{status: 502, code: codeUpstream, message: "The provider could not be reached or broke off its answer."}},
		{errUpstreamTimeout, refusal{status: 504, code: "upstream_timeout", message: "The provider did not answer in time."}},

		{errFrozen, refusal{status: 503, code: "frozen", message: "The owner has frozen the gateway.", retryAfter: time.Minute}},
		{vault.ErrLocked, refusal{status: 503, code: "vault_locked", message: "The vault is locked until the owner unlocks it.", retryAfter: 30 * time.Second}},
		{errShuttingDown, refusal{status: 503, code: "shutting_down", message: "The gateway is shutting down. Try again shortly.", retryAfter: 5 * time.Second}},
		{policy.ErrClosed, refusal{status: 503, code: "shutting_down", message: "The gateway is shutting down. Try again shortly.", retryAfter: 5 * time.Second}},
		{audit.ErrUnavailable, refusal{status: 503, code: "audit_unavailable", message: "The gateway cannot record requests at the moment and so refuses them.", retryAfter: 10 * time.Second}},
		{policy.ErrUnavailable, refusal{status: 503, code: "audit_unavailable", message: "The gateway cannot record requests at the moment and so refuses them.", retryAfter: 10 * time.Second}},
		{dpop.ErrReplayFull, refusal{status: 503, code: "audit_unavailable", message: "The gateway cannot record requests at the moment and so refuses them.", retryAfter: 10 * time.Second}},
	}
}

// refusalOf finds the words for an error. An unknown one is 500 without detail.
func refusalOf(err error) *refusal {
	var (
		known  *refusal
		denied *policy.Denied
		bad    *plugins.Error
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &denied):
		return &refusal{
			status: deniedStatus(denied.Code), code: denied.Code, message: denied.Message,
			retryAfter: denied.RetryAfter, limit: denied,
		}
	case errors.As(err, &bad):
		return &refusal{status: bad.Status, code: bad.Code, message: bad.Message, param: bad.Param}
	}
	for _, row := range refusals() {
		if errors.Is(err, row.is) {
			return &row.as
		}
	}
	return &refusal{status: http.StatusInternalServerError, code: codeInternal, message: "The gateway failed. The request id leads the owner to the cause."}
}

// refusalWithCode finds a row by its code.
func refusalWithCode(code string) *refusal {
	for _, row := range refusals() {
		if row.as.code == code {
			return &row.as
		}
	}
	return refusalOf(nil)
}

// deniedStatus is the status of a policy's code: 403 but for these.
func deniedStatus(code string) int {
	switch code {
	case policy.CodeInvalidToken:
		return http.StatusUnauthorized
	case policy.CodeBodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case policy.CodeRateLimited, policy.CodeConcurrencyLimited, policy.CodeBudgetHeld, policy.CodeRequestQuotaSpent:
		return http.StatusTooManyRequests
	}
	return http.StatusForbidden
}

// failure is the refusal as a dialect takes it.
func (r *refusal) failure(requestID string) plugins.Failure {
	return plugins.Failure{Status: r.status, Code: r.code, Message: r.message, RequestID: requestID, Param: r.param}
}

// write answers with the refusal. speaker gives the body its dialect; nil when
// no provider is known.
func (r *refusal) write(to *reply, speaker plugins.Provider) {
	h := to.Header()
	clear(h)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", r.challenge())
	}
	if r.retryAfter > 0 && (r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable) {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(r.retryAfter), 10))
	}
	if r.limit != nil && r.status == http.StatusTooManyRequests {
		writeLimit(h, r.limit)
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

// writeLimit tells where the limit stands; Reset is in seconds since 1970, and
// absent when the limit never resets.
func writeLimit(h http.Header, d *policy.Denied) {
	if d.Limit <= 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.FormatInt(d.Limit, 10))
	h.Set("X-RateLimit-Remaining", strconv.FormatInt(max(d.Remaining, 0), 10))
	if !d.ResetsAt.IsZero() {
		h.Set("X-RateLimit-Reset", strconv.FormatInt(d.ResetsAt.Unix(), 10))
	}
}

// wholeSeconds rounds up, so that a client that waits exactly that long is not
// too early.
func wholeSeconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// plainBody is for paths that belong to no dialect.
func plainBody(f plugins.Failure) []byte {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{
		"message": f.Message, "type": "invalid_request_error", "code": f.Code, "param": nil,
	}}) // strings and nil: cannot fail
	return body
}
