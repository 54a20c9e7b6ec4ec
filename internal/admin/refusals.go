package admin

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// refusal maps a sentinel of a room to the answer on the socket. Where message
// says %s, the error's own words are shown: they are written for the owner.
type refusal struct {
	sentinel error
	status   int
	code     Code
	message  string
}

func refusals() []refusal {
	return []refusal{
		{vault.ErrInitialized, http.StatusConflict, CodeInitialized, "this gateway is already set up; unlock it with: gateway unlock"},
		{vault.ErrNotInitialized, http.StatusConflict, CodeNotInitialized, "this gateway is not set up yet; set it up with: gateway init"},
		{vault.ErrWeakPassphrase, http.StatusUnprocessableEntity, CodeWeakPassphrase, "%s; run the command again"},
		{vault.ErrWrongRecoveryCode, http.StatusForbidden, CodeWrongRecoveryCode, "this recovery code does not open the vault; run: gateway unlock --recovery-code"},
		{vault.ErrMistypedCode, http.StatusUnprocessableEntity, CodeWrongRecoveryCode, "%s; run the command again"},
		{vault.ErrWrongPassphrase, http.StatusForbidden, CodeWrongPassphrase, "wrong passphrase; run: gateway unlock"},
		{vault.ErrLocked, http.StatusServiceUnavailable, CodeLocked, "the vault is locked; unlock it with: gateway unlock"},
		{vault.ErrNoCredential, http.StatusNotFound, CodeNoKey, "no such key; see: gateway key list"},
		{vault.ErrCredentialExists, http.StatusConflict, CodeKeyExists, "there is a key with this label for this resource; choose another with --label, or remove that one with: gateway key remove"},
		{vault.ErrAmbiguous, http.StatusConflict, CodeAmbiguous, "several keys have that name; use the id from: gateway key list"},
		{vault.ErrInvalidCredential, http.StatusUnprocessableEntity, CodeInvalidRequest, "%s; run the command again"},
		{vault.ErrTooMany, http.StatusConflict, CodeTooMany, "the vault is full; remove a key with gateway key remove, or a slot with gateway slot remove"},
		{providers.ErrUnknown, http.StatusNotFound, CodeNoProvider, "no such provider; see: gateway provider list"},
		{providers.ErrExists, http.StatusConflict, CodeProviderExists, "there is a provider with this id; take its place with --replace, or choose another id"},
		{providers.ErrEmbedded, http.StatusConflict, CodeProviderEmbedded, "this provider ships with the gateway and cannot be removed; without a key nothing is sent to it"},
		{providers.ErrPrivate, http.StatusUnprocessableEntity, CodePrivateAddress, "this manifest reaches into a private network; if that is what you want, add --allow-private"},
		{providers.ErrTooMany, http.StatusConflict, CodeTooMany, "%s; remove one with: gateway provider remove"},
		{providers.ErrAlias, http.StatusUnprocessableEntity, CodeInvalidAlias, "%s; see: gateway alias --help"},
		{alerts.ErrNoAlert, http.StatusNotFound, CodeNoAlert, "no such alert; see: gateway alerts"},
		{alerts.ErrNoWebhook, http.StatusNotFound, CodeNoWebhook, "no webhook is set; set one with: gateway alerts webhook set URL"},
		{alerts.ErrURL, http.StatusUnprocessableEntity, CodeInvalidRequest, "%s"},
		{alerts.ErrNotTaken, http.StatusBadGateway, CodeWebhookFailed, "%s; look at the other end, or set another with: gateway alerts webhook set URL"},
		{price.ErrCatalog, http.StatusUnprocessableEntity, CodeInvalidCatalog, "%s; the prices stay as they were"},
		{price.ErrOverride, http.StatusUnprocessableEntity, CodeInvalidPrice, "%s; see: gateway prices set --help"},
		{price.ErrNoOverride, http.StatusNotFound, CodeNoPrice, "%s; see: gateway prices list"},
		{vault.ErrNoSlot, http.StatusNotFound, CodeNoSlot, "no such slot; see: gateway slot list"},
		{vault.ErrLastSlot, http.StatusConflict, CodeLastSlot, "the last passphrase or recovery code cannot be removed: without it nobody could unlock the vault; add another with: gateway slot add-passphrase"},
		{pairing.ErrNoRequest, http.StatusNotFound, CodeNoRequest, "no such request, or it has expired; see: gateway requests"},
		{pairing.ErrRequestDecided, http.StatusConflict, CodeRequestClosed, "this request has been answered before; see: gateway app list"},
		{pairing.ErrInBrowser, http.StatusConflict, CodeInBrowser, "this app waits in your browser, which has to be sent back to it: approve it there, in the console"},
		{pairing.ErrGrant, http.StatusUnprocessableEntity, CodeInvalidPolicy, "%s; correct the document and run the command again"},
		{pairing.ErrStringOptions, http.StatusUnprocessableEntity, CodeInvalidRequest, "%s; see: gateway pair --help"},
		{pairing.ErrNoSession, http.StatusNotFound, CodeNoSession, "no such session, or it is over; see: gateway session list"},
		{pairing.ErrNoApp, http.StatusNotFound, CodeNoApp, "no such app; see: gateway app list"},
		{pairing.ErrAppRevoked, http.StatusConflict, CodeAppRevoked, "this app is revoked for good; let it in again with a new string from: gateway pair"},
		{pairing.ErrNotRecorded, http.StatusServiceUnavailable, CodeAuditUnavailable, "done, but it could not be written down; check free space and permissions of the data directory, then run the command again"},
		{audit.ErrUnavailable, http.StatusServiceUnavailable, CodeAuditUnavailable, "the audit log cannot be written, so nothing was done; check free space and permissions of the data directory"},
	}
}

// public turns err into what may leave the gateway. What no row knows is an
// internal error without detail; the log has it.
func public(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*vault.TooSoonError](err); ok {
		return tooSoon(e.RetryAfter)
	}
	if e, ok := errors.AsType[*policy.DocumentError](err); ok {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidPolicy, "policy: %s; correct the document and run the command again", e)
	}
	if e, ok := errors.AsType[*policy.RequestError](err); ok {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "request: %s; correct the description and run the command again", e)
	}
	if e, ok := errors.AsType[*plugins.ManifestError](err); ok {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidManifest, "%s; correct it and run the command again", e)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return refuse(e.Code, CodeUnsupported, "the gateway does not know this command; use the gateway command of the same version")
	}
	for _, row := range refusals() {
		if errors.Is(err, row.sentinel) {
			return refuse(row.status, row.code, "%s", strings.ReplaceAll(row.message, "%s", err.Error()))
		}
	}
	return refuse(http.StatusInternalServerError, CodeInternal, "the gateway could not do that; its log says why")
}

func tooSoon(wait time.Duration) *Error {
	return refuse(http.StatusTooManyRequests, CodeTooSoon, "too many wrong passphrases; wait %d s, then run: gateway unlock", int64(math.Ceil(wait.Seconds())))
}
