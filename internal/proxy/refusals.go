package proxy

import (
	"errors"
	"net/http"
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
	errAppCrowded      = errors.New("running requests of the app are at their bound")
	errUncapped        = errors.New("running without the output cap the permission now has")
	errKeyRemoved      = errors.New("provider key was removed")
	errKeyRefused      = errors.New("the provider refused the stored key")
	errKeyUnfit        = errors.New("the stored key may not be used for this")
	errNoSuchKey       = errors.New("the permission names a key that is not stored")
	errKeysDrained     = errors.New("the keys of the resource are out of use")
	errSlowDown        = errors.New("the provider asks to slow down")
	errNoCredit        = errors.New("the provider says that the credit is used up")
	errProviderChanged = errors.New("the provider was replaced or removed")
	errPinned          = errors.New("the permission now names another key")
	errFutile          = errors.New("requests of the app do not reach the provider")
	errProofsExhausted = errors.New("memory of used proofs is full")
	errFrozen          = errors.New("gateway is frozen")
	errShuttingDown    = errors.New("gateway is shutting down")
	errRevoked         = errors.New("app was revoked")
	errEnded           = errors.New("session or app was ended")
	errSuspended       = errors.New("app is suspended")
	errUpstream        = errors.New("provider failed")
	errUpstreamTimeout = errors.New("provider took too long")
	errRedirected      = errors.New("provider answered with a redirect")
	errFailing         = errors.New("requests of the app fail at their providers")
	errUnreadable      = errors.New("answer is encoded in a way that cannot be metered")
	errKeyReused       = errors.New("idempotency key belongs to another request")
	errInProgress      = errors.New("request with this idempotency key is under way")
)

// errClientGone ends an exchange nobody waits for. No client sees its code.
var errClientGone = &refusal{status: 499, code: "client_gone", message: "The client went away."}

const (
	codeInternal         = "internal_error"
	codeUpstream         = "upstream_error"
	codeShuttingDown     = "shutting_down"
	codeAuditUnavailable = "audit_unavailable"

	// One text for every way to fail, so that nobody learns which it was.
	authenticationFailed = "Authentication failed. Sign each request with the app's key and a current access token; " +
		"if that does not help, pair the app again."

	shuttingDown = "The gateway is shutting down. Try again shortly."
	cannotRecord = "The gateway cannot record requests at the moment and so refuses them."
)

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
		{pairing.ErrNoCredentials, refusal{status: 401, code: policy.CodeInvalidToken, message: authenticationFailed, bare: true}},
		{pairing.ErrInvalidToken, refusal{status: 401, code: policy.CodeInvalidToken, message: authenticationFailed}},
		{errRevoked, refusal{status: 401, code: policy.CodeInvalidToken, message: authenticationFailed, known: "The owner has ended this app's access."}},
		{errEnded, refusal{status: 401, code: policy.CodeInvalidToken, message: authenticationFailed, known: "This app's session has been ended."}},
		{pairing.ErrUseNonce, refusal{status: 401, code: "use_dpop_nonce", message: "Put the nonce of this answer's DPoP-Nonce header into a new proof and try again."}},
		{dpop.ErrInvalidProof, refusal{status: 401, code: policy.CodeInvalidProof, message: authenticationFailed}},

		{errBodyRead, refusal{status: 400, code: plugins.CodeInvalidRequest, message: "The request body did not arrive whole or in time."}},
		{errUpgrade, refusal{status: 400, code: plugins.CodeInvalidRequest, message: "Protocol upgrades are not supported here."}},
		{errSuspended, refusal{status: 403, code: "app_suspended", message: "The owner has suspended this app."}},
		{errUncapped, refusal{status: 403, code: policy.CodeOutputCapExceeded, message: "The permission now caps the output, and this request runs without a cap. Send it again."}},
		{errUnknownResource, refusal{status: 404, code: "unknown_resource", message: "No provider is known at this path. Use /r/<type>/<provider>/..."}},
		{errKeyReused, refusal{status: 409, code: plugins.CodeInvalidRequest, final: true, message: "This Idempotency-Key was sent with another request. Use a new key for each new request."}},
		{errInProgress, refusal{status: 409, code: "idempotency_in_progress", message: "A request with this Idempotency-Key is under way. Try again shortly.", retryAfter: time.Second}},
		{errBodyTooLarge, refusal{status: 413, code: policy.CodeBodyTooLarge, message: "The request body is larger than the gateway accepts."}},
		{errBodyMemory, refusal{status: 429, code: policy.CodeConcurrencyLimited, message: "The gateway is handling too many large requests. Try again shortly.", retryAfter: time.Second}},
		{errCrowded, refusal{status: 429, code: policy.CodeConcurrencyLimited, message: "The gateway is handling too many requests. Try again shortly.", retryAfter: time.Second}},
		{errAppCrowded, refusal{status: 429, code: policy.CodeConcurrencyLimited, message: "This app has too many requests under way. Wait for some to end.", retryAfter: time.Second}},

		{vault.ErrNoCredential, refusal{status: 502, code: codeUpstream, final: true, message: "The owner has stored no key for this resource."}},
		{plugins.ErrSecret, refusal{status: 502, code: codeUpstream, final: true, message: "The stored key for this resource cannot be used. The owner must add it again."}},
		{errKeyRemoved, refusal{status: 502, code: codeUpstream, final: true, message: "The owner has removed the key of this resource."}},
		{errKeyRefused, refusal{status: 502, code: codeUpstream, final: true, message: "The provider does not accept the key that the owner has stored for this resource. The owner must replace it."}},
		{errKeyUnfit, refusal{status: 502, code: codeUpstream, final: true, message: "The key that the owner has stored for this resource works, and may not be used for this. The owner can store one that may."}},
		{errNoSuchKey, refusal{status: 502, code: codeUpstream, final: true, message: "The permission names a key that the owner has not stored for this resource."}},
		{errKeysDrained, refusal{status: 502, code: codeUpstream, final: true, message: "The owner has taken the key of this resource out of use."}},
		{errSlowDown, refusal{status: 429, code: policy.CodeRateLimited, message: "The provider asks the owner's keys to slow down. Try again when Retry-After says."}},
		{errNoCredit, refusal{status: 502, code: codeUpstream, final: true, message: "The provider says that the owner's credit is used up."}},
		{errProviderChanged, refusal{status: 502, code: codeUpstream, message: "The owner has replaced or removed this provider. Send the request again."}},
		{errPinned, refusal{status: 502, code: codeUpstream, message: "The permission now names another key. Send the request again."}},
		{errPrivateAddress, refusal{status: 502, code: codeUpstream, final: true, message: "The provider is at a private address, which the owner has not allowed for it."}},
		{errFutile, refusal{status: 502, code: codeUpstream, message: "The provider could not be reached lately. Try again in a few seconds."}},
		{errUpstream, refusal{status: 502, code: codeUpstream, message: "The provider could not be reached or broke off its answer."}},
		{errRedirected, refusal{status: 502, code: codeUpstream, message: "The provider answered with a redirect, which the gateway does not follow."}},
		{errFailing, refusal{status: 429, code: policy.CodeRateLimited, message: "Too many requests of this app have failed at their providers lately. Try again when Retry-After says."}},
		{errUnreadable, refusal{status: 502, code: codeUpstream, message: "The provider's answer is encoded in a way that the gateway cannot read."}},
		{errUpstreamTimeout, refusal{status: 504, code: "upstream_timeout", message: "The provider did not answer in time."}},

		{errFrozen, refusal{status: 503, code: "frozen", final: true, message: "The owner has frozen the gateway.", retryAfter: time.Minute}},
		{vault.ErrLocked, refusal{status: 503, code: "vault_locked", final: true, message: "The vault is locked until the owner unlocks it.", retryAfter: 30 * time.Second}},
		{errShuttingDown, refusal{status: 503, code: codeShuttingDown, message: shuttingDown, retryAfter: 5 * time.Second}},
		{policy.ErrClosed, refusal{status: 503, code: codeShuttingDown, message: shuttingDown, retryAfter: 5 * time.Second}},
		{audit.ErrUnavailable, refusal{status: 503, code: codeAuditUnavailable, message: cannotRecord, retryAfter: 10 * time.Second}},
		{policy.ErrUnavailable, refusal{status: 503, code: codeAuditUnavailable, message: cannotRecord, retryAfter: 10 * time.Second}},
		{errProofsExhausted, refusal{status: 503, code: "proofs_exhausted", message: "The memory of used proofs is full, in all or for the key of this app. Try again shortly, and more slowly.", retryAfter: 10 * time.Second}},
		{dpop.ErrReplayFull, refusal{status: 503, code: codeAuditUnavailable, message: cannotRecord, retryAfter: 10 * time.Second}},
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
			retryAfter: denied.RetryAfter, denied: denied, final: spent(denied.Code),
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

// spent says whether a code is that of a budget, which lasts for a day at least.
func spent(code string) bool {
	switch code {
	case policy.CodeRequestQuotaSpent, policy.CodeTokenBudgetSpent, policy.CodeDollarBudgetSpent:
		return true
	}
	return false
}

// deniedStatus is the status of a policy's code: 403 but for these.
func deniedStatus(code string) int {
	switch code {
	case policy.CodeInvalidToken, policy.CodeInvalidProof:
		return http.StatusUnauthorized
	case policy.CodeBodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case policy.CodeRateLimited, policy.CodeConcurrencyLimited, policy.CodeBudgetHeld,
		policy.CodeRequestQuotaSpent, policy.CodeTokenBudgetSpent, policy.CodeDollarBudgetSpent:
		return http.StatusTooManyRequests
	}
	return http.StatusForbidden
}
