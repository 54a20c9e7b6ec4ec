package client

import "errors"

// Errors of pairing and of the connection itself.
var (
	ErrPairingString = errors.New("not a pairing string")
	ErrStringSpent   = errors.New("pairing string is spent, expired or unknown; ask the owner for a new one")
	ErrAccessDenied  = errors.New("the owner has denied access")
	ErrExpired       = errors.New("the owner did not decide in time; open the connection again to ask again")
	ErrNotPaired     = errors.New("not paired; call Pair with a pairing string")
	ErrSessionEnded  = errors.New("the session has ended; pair again with a new pairing string")
	ErrRedirect      = errors.New("the browser has not brought back the answer to this question")
	ErrForeignOrigin = errors.New("refusing to sign for another origin")
	ErrKeyStore      = errors.New("key store")
)

// Errors that the gateway answers with, one for each code of the protocol. *APIError matches them with errors.Is, and
// CodeError finds them for the errors of SDKs.
var (
	ErrInvalidRequest      = errors.New("invalid request")
	ErrInvalidToken        = errors.New("invalid token")
	ErrInvalidProof        = errors.New("invalid DPoP proof")
	ErrResourceNotGranted  = errors.New("resource not granted")
	ErrActionNotGranted    = errors.New("action not granted")
	ErrPermissionExpired   = errors.New("permission expired")
	ErrNotYetValid         = errors.New("permission not yet valid")
	ErrOutsideHours        = errors.New("outside the permitted hours")
	ErrAddressNotAllowed   = errors.New("address not allowed")
	ErrModelNotAllowed     = errors.New("model not allowed")
	ErrInputCapExceeded    = errors.New("input cap exceeded")
	ErrOutputCapExceeded   = errors.New("output cap exceeded")
	ErrToolsNotAllowed     = errors.New("tools not allowed")
	ErrStreamingNotAllowed = errors.New("streaming not allowed")
	ErrRecipientNotAllowed = errors.New("recipient not allowed")
	ErrModelUnpriced       = errors.New("model has no price")
	ErrAppSuspended        = errors.New("app suspended")
	ErrUnknownResource     = errors.New("unknown resource")
	ErrUnsupportedEndpoint = errors.New("unsupported endpoint")
	ErrBodyTooLarge        = errors.New("body too large") // also for bodies this package would have to buffer
	ErrUnsupportedEncoding = errors.New("unsupported encoding")
	ErrInProgress          = errors.New("a request with this Idempotency-Key is under way")
	ErrRateLimited         = errors.New("rate limited")
	ErrConcurrencyLimited  = errors.New("too many requests at once")
	ErrBudgetHeld          = errors.New("budget held by other requests for a moment")
	ErrRequestQuotaSpent   = errors.New("request quota spent")
	ErrTokenBudgetSpent    = errors.New("token budget spent")
	ErrDollarBudgetSpent   = errors.New("dollar budget spent")
	ErrUpstream            = errors.New("the provider failed")
	ErrUpstreamTimeout     = errors.New("the provider did not answer in time")
	ErrVaultLocked         = errors.New("vault locked")
	ErrFrozen              = errors.New("gateway frozen")
	ErrAuditUnavailable    = errors.New("audit log unavailable")
	ErrProofsExhausted     = errors.New("gateway cannot remember more proofs for a moment")
	ErrShuttingDown        = errors.New("gateway shutting down")
)

// CodeError gives the sentinel for a code of the gateway, or nil for a code that is not the gateway's. With openai-go:
//
//	var failure *openai.Error
//	if errors.As(err, &failure) && client.CodeError(failure.Code) == client.ErrModelNotAllowed { ... }
//
// For SDKs whose errors show the body and not the code, see BodyCode.
func CodeError(code string) error {
	switch code {
	case "invalid_request":
		return ErrInvalidRequest
	case "invalid_token":
		return ErrInvalidToken
	case "invalid_dpop_proof", "use_dpop_nonce":
		return ErrInvalidProof
	case "access_denied":
		return ErrAccessDenied
	case "expired_token":
		return ErrExpired
	case "invalid_grant", "invalid_client":
		return ErrSessionEnded
	case "unknown_resource":
		return ErrUnknownResource
	case "unsupported_endpoint":
		return ErrUnsupportedEndpoint
	case "body_too_large":
		return ErrBodyTooLarge
	case "unsupported_encoding":
		return ErrUnsupportedEncoding
	case "upstream_error":
		return ErrUpstream
	case "upstream_timeout":
		return ErrUpstreamTimeout
	case "vault_locked":
		return ErrVaultLocked
	case "frozen":
		return ErrFrozen
	case "audit_unavailable":
		return ErrAuditUnavailable
	case "proofs_exhausted":
		return ErrProofsExhausted
	case "shutting_down":
		return ErrShuttingDown
	}
	return policyError(code)
}

// policyError gives the sentinel for a code of 403 and 429.
func policyError(code string) error {
	switch code {
	case "resource_not_granted":
		return ErrResourceNotGranted
	case "action_not_granted":
		return ErrActionNotGranted
	case "permission_expired":
		return ErrPermissionExpired
	case "not_yet_valid":
		return ErrNotYetValid
	case "outside_hours":
		return ErrOutsideHours
	case "address_not_allowed":
		return ErrAddressNotAllowed
	case "model_not_allowed":
		return ErrModelNotAllowed
	case "input_cap_exceeded":
		return ErrInputCapExceeded
	case "output_cap_exceeded":
		return ErrOutputCapExceeded
	case "tools_not_allowed":
		return ErrToolsNotAllowed
	case "streaming_not_allowed":
		return ErrStreamingNotAllowed
	case "recipient_not_allowed":
		return ErrRecipientNotAllowed
	case "model_unpriced":
		return ErrModelUnpriced
	case "app_suspended":
		return ErrAppSuspended
	case "idempotency_in_progress":
		return ErrInProgress
	case "rate_limited":
		return ErrRateLimited
	case "concurrency_limited":
		return ErrConcurrencyLimited
	case "budget_held":
		return ErrBudgetHeld
	case "request_quota_spent":
		return ErrRequestQuotaSpent
	case "token_budget_spent":
		return ErrTokenBudgetSpent
	case "dollar_budget_spent":
		return ErrDollarBudgetSpent
	}
	return nil
}
