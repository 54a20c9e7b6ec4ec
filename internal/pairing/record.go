package pairing

import (
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

var (
	appRecords        = store.NewCollection[appRecord]("apps")
	permissionRecords = store.NewCollection[Permission]("permissions")
	requestRecords    = store.NewCollection[requestRecord]("consent requests")
	sessionRecords    = store.NewCollection[sessionRecord]("sessions")
	stringRecords     = store.NewCollection[stringRecord]("pairing strings")
	gatewayRecords    = store.NewCollection[gatewayRecord]("gateway state")
	signingRecords    = store.NewCollection[signingRecord]("signing keys")
)

// appRecord is an App with what its pairing string brought along.
type appRecord struct {
	App
	// Preset is what the owner means to grant, until something is granted.
	Preset []policy.Document `json:"preset,omitzero"`
	// ApproveUntil ends the time in which asking for the preset is approved
	// without the owner; zero once a session came of it, or when the owner
	// wants to be asked.
	ApproveUntil time.Time `json:"approve_until,omitzero"`
	// ApproveAsked is set once a request has been approved in that way, and
	// ApproveKey is the thumbprint of the key it is bound to, if any.
	ApproveAsked bool   `json:"approve_asked,omitzero"`
	ApproveKey   string `json:"approve_key,omitzero"`
}

// requestRecord is a ConsentRequest with what only its app may know, hashed.
// It has a device code or has been pushed, never both.
type requestRecord struct {
	ConsentRequest
	// DeviceHash is the SHA-256 of the device code, base64url.
	DeviceHash string `json:"device_hash,omitzero"`
	// Pushed is the code flow's part; zero for the device grant.
	Pushed pushedRecord `json:"pushed,omitzero"`
	// Thumbprint names the key that may collect the tokens; empty until bound.
	Thumbprint string `json:"thumbprint,omitzero"`
	// Proven is set once somebody has signed with that key for the request:
	// the request itself, or a poll with its code.
	Proven bool `json:"proven,omitzero"`
	// Preapproved is set when the pairing string approved it, not a visit.
	Preapproved bool `json:"preapproved,omitzero"`
}

// pushedRecord is what a pushed authorization request says of itself, and the
// code it is answered with. Hashes are SHA-256, base64url.
type pushedRecord struct {
	URIHash   string    `json:"uri_hash"`           // of the request_uri
	Challenge string    `json:"challenge"`          // code_challenge, S256
	State     string    `json:"state,omitzero"`     // the app's own, given back to it
	OpenedAt  time.Time `json:"opened_at,omitzero"` // when a browser first brought it here
	// CodeHash names the code that has been issued, good until the request
	// expires; empty before.
	CodeHash string `json:"code_hash,omitzero"`
}

// sessionStatus is explicit so that a record of zeros is not a live session.
type sessionStatus string

const sessionLive sessionStatus = "live"

// sessionRecord is a Session with its refresh token, hashed. An ended session
// has no record.
type sessionRecord struct {
	Session
	Status sessionStatus `json:"status"`
	// RefreshHash is the SHA-256 of the refresh token, base64url.
	RefreshHash string `json:"refresh_hash"`
}

type stringStatus string

const (
	stringOpen     stringStatus = "open"
	stringRedeemed stringStatus = "redeemed"
)

// stringRecord is kept under the SHA-256 of the code. Only an open one can be
// redeemed; a code without a record cannot.
type stringRecord struct {
	Status    stringStatus      `json:"status"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at"`
	Preset    []policy.Document `json:"preset,omitzero"`
	Approve   bool              `json:"approve,omitzero"`
	AppID     string            `json:"app_id,omitzero"` // once redeemed
}

type gatewayState string

const (
	gatewayRunning gatewayState = "running"
	gatewayFrozen  gatewayState = "frozen"
)

// gatewayKey is the one key of gatewayRecords.
const gatewayKey = "gateway"

type gatewayRecord struct {
	State gatewayState `json:"state"`
}

// signingKey is the one key of signingRecords.
const signingKey = "current"

type signingRecord struct {
	Seed []byte `json:"seed"` // Ed25519, 32 bytes
}
