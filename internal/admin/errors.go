package admin

import (
	"fmt"
)

// Code names the reason of a refusal on the owner's socket.
type Code string

// Every code an answer can carry.
const (
	CodeInvalidRequest    Code = "invalid_request"
	CodeInvalidPolicy     Code = "invalid_policy"
	CodeInitialized       Code = "already_initialized"
	CodeNotInitialized    Code = "not_initialized"
	CodeWeakPassphrase    Code = "weak_passphrase"
	CodeWrongPassphrase   Code = "wrong_passphrase"
	CodeWrongRecoveryCode Code = "wrong_recovery_code"
	CodeTooSoon           Code = "too_soon"
	CodeLocked            Code = "vault_locked"
	CodeNoKey             Code = "no_such_key"
	CodeKeyExists         Code = "key_exists"
	CodeUnknownResource   Code = "unknown_resource"
	CodeNoProvider        Code = "no_such_provider"
	CodeProviderExists    Code = "provider_exists"
	CodeProviderEmbedded  Code = "provider_embedded"
	CodePrivateAddress    Code = "private_address"
	CodeInvalidManifest   Code = "invalid_manifest"
	CodeNoAlias           Code = "no_such_alias"
	CodeInvalidAlias      Code = "invalid_alias"
	CodeNoAlert           Code = "no_such_alert"
	CodeNoWebhook         Code = "no_webhook"
	CodeWebhookFailed     Code = "webhook_failed"
	CodeInvalidCatalog    Code = "invalid_catalog"
	CodeInvalidPrice      Code = "invalid_price"
	CodeNoPrice           Code = "no_such_price"
	CodeNotGranted        Code = "resource_not_granted"
	CodeNoSlot            Code = "no_such_slot"
	CodeLastSlot          Code = "last_slot"
	CodeNoRequest         Code = "no_such_request"
	CodeRequestClosed     Code = "request_closed"
	CodeInBrowser         Code = "answer_in_browser"
	CodeNothingToGrant    Code = "nothing_to_grant"
	CodeNoSession         Code = "no_such_session"
	CodeNoApp             Code = "no_such_app"
	CodeAmbiguous         Code = "ambiguous"
	CodeAppRevoked        Code = "app_revoked"
	CodeAuditUnavailable  Code = "audit_unavailable"
	CodeUnsupported       Code = "unsupported"
	CodeTooMany           Code = "too_many"
	CodeNotRestored       Code = "nothing_to_accept"
	CodeInternal          Code = "internal"
)

// Error is a refusal by the gateway. Message is one line that says what to
// type next.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Status  int    `json:"-"` // HTTP status
}

func (e *Error) Error() string { return e.Message }

// Is makes errors.Is(err, &Error{Code: CodeLocked}) ask for the code alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

func refuse(status int, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

// errorBody is the shape of every answer that is not a success.
type errorBody struct {
	Error *Error `json:"error"`
}
