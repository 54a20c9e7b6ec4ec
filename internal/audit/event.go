package audit

import "time"

// Kind names what happened.
type Kind string

// Every kind of event.
const (
	RequestStarted     Kind = "request.started" // written before the provider sees a byte
	RequestEnded       Kind = "request.ended"
	RequestDenied      Kind = "request.denied"
	StringCreated      Kind = "string.created"
	StringRedeemed     Kind = "string.redeemed"
	ConsentAsked       Kind = "consent.asked"
	ConsentApproved    Kind = "consent.approved"
	ConsentDenied      Kind = "consent.denied"
	SessionCreated     Kind = "session.created"
	SessionRevoked     Kind = "session.revoked"
	SessionKeyAdded    Kind = "session.key_added"   // a key to change over to
	SessionKeyRetired  Kind = "session.key_retired" // its first use ended the one before
	AppSuspended       Kind = "app.suspended"
	AppResumed         Kind = "app.resumed"
	AppRevoked         Kind = "app.revoked"
	GatewayFrozen      Kind = "gateway.frozen"
	GatewayThawed      Kind = "gateway.thawed"
	GatewayStarted     Kind = "gateway.started"
	GatewayStopped     Kind = "gateway.stopped"
	VaultInitialized   Kind = "vault.initialized"
	VaultUnlocked      Kind = "vault.unlocked"
	VaultLocked        Kind = "vault.locked"
	VaultUnlockRefused Kind = "vault.unlock_refused"
	VaultSlotAdded     Kind = "vault.slot_added"
	VaultSlotRemoved   Kind = "vault.slot_removed"
	PassphraseChanged  Kind = "vault.passphrase_changed"
	VaultRotated       Kind = "vault.rotated"
	VaultExported      Kind = "vault.exported" // keys left in clear
	HostKeyRotated     Kind = "host_key.rotated"
	BackupMade         Kind = "backup.made"
	BackupFailed       Kind = "backup.failed"
	RestoreNoticed     Kind = "restore.noticed" // an old database was put back
	RestoreAccepted    Kind = "restore.accepted"
	KeyAdded           Kind = "key.added"
	KeyRemoved         Kind = "key.removed"
	KeyTested          Kind = "key.tested"
	KeyArranged        Kind = "key.arranged" // when it is used among others
	ProviderAdded      Kind = "provider.added"
	ProviderRemoved    Kind = "provider.removed"
	AliasSet           Kind = "alias.set"
	AliasRemoved       Kind = "alias.removed"
	PriceSet           Kind = "price.set"
	PriceUnset         Kind = "price.unset"
	PricesRefreshed    Kind = "prices.refreshed"
	PricesReset        Kind = "prices.reset"
	AlertDismissed     Kind = "alert.dismissed"
	WebhookSet         Kind = "webhook.set" // where alerts are sent
	WebhookRemoved     Kind = "webhook.removed"
	OwnerSignedIn      Kind = "owner.signed_in"
	OwnerSignInRefused Kind = "owner.sign_in_refused"
	OwnerSignedOut     Kind = "owner.signed_out"

	// AuditRecovered is written by this package when it found the end of the
	// file other than it left it: a line half written, lines missing.
	AuditRecovered Kind = "audit.recovered"

	// AuditUnreadable is never written. Tail and Follow put it in the place
	// of a line that is not an audit line, so that nothing vanishes silently.
	AuditUnreadable Kind = "audit.unreadable"
)

// Kinds lists every kind of event, in the order of the constants.
func Kinds() []Kind {
	return []Kind{
		RequestStarted, RequestEnded, RequestDenied, StringCreated, StringRedeemed, ConsentAsked,
		ConsentApproved, ConsentDenied, SessionCreated, SessionRevoked, SessionKeyAdded,
		SessionKeyRetired, AppSuspended, AppResumed, AppRevoked, GatewayFrozen, GatewayThawed,
		GatewayStarted, GatewayStopped, VaultInitialized, VaultUnlocked, VaultLocked, VaultUnlockRefused,
		VaultSlotAdded, VaultSlotRemoved, PassphraseChanged, VaultRotated, VaultExported, HostKeyRotated,
		BackupMade, BackupFailed, RestoreNoticed, RestoreAccepted, KeyAdded, KeyRemoved, KeyTested,
		KeyArranged, ProviderAdded, ProviderRemoved, AliasSet, AliasRemoved,
		PriceSet, PriceUnset, PricesRefreshed, PricesReset, AlertDismissed, WebhookSet, WebhookRemoved,
		OwnerSignedIn, OwnerSignInRefused, OwnerSignedOut, AuditRecovered, AuditUnreadable,
	}
}

// Actor says who caused an event.
type Actor string

// Every actor.
const (
	Owner   Actor = "owner"
	App     Actor = "app"
	Gateway Actor = "gateway"
)

// Event is one line of the log. It never carries a body, a prompt or a
// secret. Strings longer than 256 bytes (Detail: 1,024) are shortened and
// control characters are replaced when it is appended.
type Event struct {
	// Seq is the line's number, from 1, without gaps. Append sets it.
	Seq int64 `json:"seq"`
	// Time is kept in UTC. Append sets it when it is zero.
	Time  time.Time `json:"time"`
	Kind  Kind      `json:"kind"`
	Actor Actor     `json:"actor,omitzero"`

	RequestID    string `json:"request_id,omitzero"`
	AppID        string `json:"app_id,omitzero"`
	AppName      string `json:"app_name,omitzero"`
	SessionID    string `json:"session_id,omitzero"`
	PermissionID string `json:"permission_id,omitzero"`
	Resource     string `json:"resource,omitzero"`
	Action       string `json:"action,omitzero"`
	Model        string `json:"model,omitzero"`

	// Key is the provider key that served a request: its id, and its label in
	// parentheses.
	Key string `json:"key,omitzero"`
	// Code is the denial or error code of the protocol.
	Code string `json:"code,omitzero"`
	// Status is the HTTP status that the client got.
	Status int `json:"status,omitzero"`
	// LatencyMS is the time from the first to the last byte, in milliseconds.
	LatencyMS int64  `json:"latency_ms,omitzero"`
	Usage     *Usage `json:"usage,omitzero"`
	// Address is the client's network address.
	Address string `json:"address,omitzero"`
	// Detail is a short sentence for people.
	Detail string `json:"detail,omitzero"`
}

// Usage is what one request was counted as: what the provider reported, or,
// where it did not, an estimate.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`
	CachedTokens     int64 `json:"cached_tokens,omitzero"`
	CacheWriteTokens int64 `json:"cache_write_tokens,omitzero"`
	OutputTokens     int64 `json:"output_tokens"`
	CostNanoDollars  int64 `json:"cost_nano_dollars,omitzero"` // where a price is known
	Estimated        bool  `json:"estimated,omitzero"`
}
