package policy

import (
	"fmt"
	"strconv"
	"time"
)

// The codes of denials, as the wire protocol lists them: 403 unless noted.
const (
	CodeInvalidToken        = "invalid_token"      // 401: the app was revoked
	CodeInvalidProof        = "invalid_dpop_proof" // 401: the proof is not bound to the body
	CodeAppSuspended        = "app_suspended"
	CodeResourceNotGranted  = "resource_not_granted"
	CodeActionNotGranted    = "action_not_granted"
	CodeNotYetValid         = "not_yet_valid"
	CodePermissionExpired   = "permission_expired"
	CodeOutsideHours        = "outside_hours"
	CodeAddressNotAllowed   = "address_not_allowed"
	CodeBodyTooLarge        = "body_too_large" // 413
	CodeModelNotAllowed     = "model_not_allowed"
	CodeInputCapExceeded    = "input_cap_exceeded"
	CodeOutputCapExceeded   = "output_cap_exceeded"
	CodeToolsNotAllowed     = "tools_not_allowed"
	CodeStreamingNotAllowed = "streaming_not_allowed"
	CodeRecipientNotAllowed = "recipient_not_allowed" // and whatever else the mail rules forbid
	CodeModelUnpriced       = "model_unpriced"

	// These are 429, from the ledger.
	CodeRateLimited        = "rate_limited"
	CodeConcurrencyLimited = "concurrency_limited"
	CodeBudgetHeld         = "budget_held"         // the rest is held by running requests: retry soon
	CodeRequestQuotaSpent  = "request_quota_spent" // nothing is left until the limit resets
	CodeTokenBudgetSpent   = "token_budget_spent"
	CodeDollarBudgetSpent  = "dollar_budget_spent"
)

// Denied is a request refused by a rule.
type Denied struct {
	Rule    string // the member of the document that refused, for example models or limits[1].requests
	Code    string // one of the Code constants
	Message string // for whoever wrote the app: what was refused and what to do

	// For limits. RetryAfter is 0 when waiting does not help; Remaining is
	// never negative; ResetsAt is zero for what never resets.
	RetryAfter       time.Duration
	Limit, Remaining int64
	ResetsAt         time.Time
}

// Error is the message.
func (d *Denied) Error() string { return d.Message }

func denial(code, format string, args ...any) *Denied {
	return &Denied{Code: code, Message: fmt.Sprintf(format, args...)}
}

// quote shows a client's text in a message, cut and without control characters.
func quote(text string) string {
	const most = 64
	if len(text) > most {
		return strconv.QuoteToASCII(text[:most] + "...")
	}
	return strconv.QuoteToASCII(text)
}
