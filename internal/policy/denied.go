package policy

import "time"

// The codes of denials, as the wire protocol lists them.
const (
	CodeInvalidToken        = "invalid_token" // the app was revoked: 401
	CodeAppSuspended        = "app_suspended"
	CodeResourceNotGranted  = "resource_not_granted"
	CodeActionNotGranted    = "action_not_granted"
	CodeNotYetValid         = "not_yet_valid"
	CodePermissionExpired   = "permission_expired"
	CodeBodyTooLarge        = "body_too_large" // 413
	CodeModelNotAllowed     = "model_not_allowed"
	CodeOutputCapExceeded   = "output_cap_exceeded"
	CodeToolsNotAllowed     = "tools_not_allowed"
	CodeStreamingNotAllowed = "streaming_not_allowed"
	CodeRateLimited         = "rate_limited"        // 429, as all that follow
	CodeConcurrencyLimited  = "concurrency_limited" //
	CodeBudgetHeld          = "budget_held"         // what is left is held by running requests
	CodeRequestQuotaSpent   = "request_quota_spent" // what is left is nothing
)

// Denied is a request refused by a rule.
type Denied struct {
	Rule    string // where it stands in the document, for example limits[1].requests
	Code    string // one of the Code constants
	Message string // for whoever wrote the app: what was refused and what to do

	// For limits. RetryAfter is 0 when waiting does not help; Remaining is
	// never negative; ResetsAt is zero for what never resets.
	RetryAfter       time.Duration
	Limit, Remaining int64
	ResetsAt         time.Time
}

func (d *Denied) Error() string { return d.Message }
