package admin

import (
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// Status is the state of the gateway as a whole.
type Status struct {
	Version         string    `json:"version"`
	Initialized     bool      `json:"initialized"`      // a passphrase has been set
	Locked          bool      `json:"locked"`           // no provider key can be released
	Frozen          bool      `json:"frozen"`           // every app is refused
	Restored        bool      `json:"restored"`         // an older database was put back and not accepted: every app is refused
	PublicURL       string    `json:"public_url"`       // the origin apps and the console use
	TimeZone        string    `json:"time_zone"`        // the zone of days, months and shown times
	Running         int       `json:"running"`          // requests being forwarded at this moment
	Keys            int       `json:"keys"`             // provider keys in the vault
	Apps            int       `json:"apps"`             // registered apps that are not revoked
	PendingRequests int       `json:"pending_requests"` // apps waiting for the owner's answer
	StartedAt       time.Time `json:"started_at"`
}

// InitInput sets the passphrase of a new gateway.
type InitInput struct {
	Passphrase string `json:"passphrase"` // at least 12 characters
}

// KeyFile is a new key-file slot together with the one copy of its key.
type KeyFile struct {
	Slot Slot   `json:"slot"`
	Key  []byte `json:"key"` // base64 on the wire; the gateway keeps no copy
}

// Slot is one way to unlock the vault.
type Slot struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Label     string    `json:"label,omitzero"`
	CreatedAt time.Time `json:"created_at"`
}

// Key describes a stored provider key. It never carries the secret.
type Key struct {
	ID        string    `json:"id"`
	Resource  string    `json:"resource"`
	Label     string    `json:"label"`
	BaseURL   string    `json:"base_url,omitzero"` // empty: the provider's own
	CreatedAt time.Time `json:"created_at"`

	Headers      map[string]string `json:"headers,omitzero"` // sent with it, such as OpenAI-Organization
	AllowPrivate bool              `json:"allow_private,omitzero"`
	Arrangement

	Health vault.Health `json:"health"`
}

// Arrangement says when a key is used among those of its resource.
type Arrangement = vault.Arrangement

// KeyInput adds a provider key.
type KeyInput struct {
	Resource string `json:"resource"` // such as llm:openai
	Label    string `json:"label"`
	BaseURL  string `json:"base_url"`
	Secret   string `json:"secret"` // at most 16 KiB

	Headers      map[string]string `json:"headers,omitzero"`       // sent with it
	AllowPrivate bool              `json:"allow_private,omitzero"` // the base URL may be on a private network
	Rank         int               `json:"rank,omitzero"`          // the lowest is tried first, 0 to 99
	Weight       int               `json:"weight,omitzero"`        // its share among those of its rank, 1 to 100
}

// KeyReport is what a provider said to a test call with a stored key.
type KeyReport struct {
	OK     bool   `json:"ok"`
	Status int    `json:"status"` // the provider's HTTP status; 0 when it was not reached
	Words  string `json:"words"`  // one plain sentence
}

// Term says when permissions end whose documents may not say it themselves.
// The zero value gives documents without an end DefaultTerm.
type Term struct {
	Seconds int64 `json:"expires_in"` // when positive: every document ends after this, whatever it says
	Forever bool  `json:"forever"`    // documents without an end keep none
}

// PairInput makes a pairing string.
type PairInput struct {
	TTLSeconds int64  `json:"ttl_seconds"`         // 60 to 3600; 0 is ten minutes
	Documents  string `json:"documents,omitempty"` // preset: the JSON text of one policy document or of an array
	Term       Term   `json:"term"`
	Approve    bool   `json:"approve"` // grant the preset on redemption, without asking again
}

// PairOutput is a new pairing string. The string is shown once and not kept.
type PairOutput struct {
	PairingString string    `json:"pairing_string"`
	ExpiresAt     time.Time `json:"expires_at"`
	Preset        []Terms   `json:"preset,omitempty"`
	DefaultedEnd  bool      `json:"defaulted_end,omitzero"` // some documents named no end and got DefaultTerm
}

// Terms is a policy document with its meaning in plain words.
type Terms struct {
	Document policy.Document `json:"document"`
	Words    []string        `json:"words"`
}

// Request is an app waiting for the owner's answer.
type Request struct {
	ID          string `json:"id"`
	AppID       string `json:"app_id"`
	AppName     string `json:"app_name"`
	AppURI      string `json:"app_uri,omitempty"`
	UserCode    string `json:"user_code,omitempty"`
	RedirectURI string `json:"redirect_uri,omitempty"` // it waits in a browser, which goes back there; approve it in the console
	Fingerprint string `json:"fingerprint"`            // of the key that signed it; empty when none did
	Address     string `json:"address"`                // the app's network address
	Reason      string `json:"reason,omitempty"`
	// Lookalikes are other apps with this name, or one that looks like it.
	Lookalikes []Lookalike `json:"lookalikes"`
	Status     string      `json:"status"`
	Asked      []Terms     `json:"asked"`
	Preset     []Terms     `json:"preset"`
	Proposal   []Terms     `json:"proposal"` // what approving without changes grants
	// DefaultedEnd says that some of Proposal named no end and would get
	// DefaultTerm.
	DefaultedEnd bool      `json:"defaulted_end"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// Lookalike is an app that another could be taken for.
type Lookalike struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Same   bool   `json:"same"` // the names are equal, character by character
}

// ApproveInput answers a consent request with yes.
type ApproveInput struct {
	Documents string `json:"documents,omitempty"` // as of PairInput; empty: as preset, or as asked
	Term      Term   `json:"term"`
}

// ApproveOutput says what was granted.
type ApproveOutput struct {
	Request      Request `json:"request"`
	Granted      []Terms `json:"granted"`
	DefaultedEnd bool    `json:"defaulted_end"` // some documents named no end and got DefaultTerm
}

// App is a registered app with the documents of its permissions.
type App struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	URI         string            `json:"uri,omitempty"`
	Status      string            `json:"status"` // active, suspended or revoked
	Permissions []policy.Document `json:"permissions"`
	CreatedAt   time.Time         `json:"created_at"`
	LastUsedAt  time.Time         `json:"last_used_at,omitzero"`
}

// AppDetail is an App with what it has used and where it is signed in.
type AppDetail struct {
	App
	Thumbprint string    `json:"thumbprint,omitempty"` // of the app's key (RFC 7638)
	Terms      []Terms   `json:"terms"`
	Usage      []Usage   `json:"usage"`
	Totals     []Total   `json:"totals"`
	Recent     Recent    `json:"recent"`
	Sessions   []Session `json:"sessions"`
}

// Usage is the state of one limit of one permission.
type Usage struct {
	Permission string `json:"permission_id"`
	Resource   string `json:"resource"`
	Per        string `json:"per"`             // minute, day, month or lifetime
	Model      string `json:"model,omitempty"` // glob of the models it counts; empty: all
	Unit       string `json:"unit"`            // requests, tokens or dollars; dollars are counted in nano-dollars

	Limit    int64      `json:"limit"`
	Used     int64      `json:"used"`
	Held     int64      `json:"held"`      // reserved by requests that are running
	ResetsAt *time.Time `json:"resets_at"` // nil: never
}

// Total is what one permission has used since it was granted, capped or not.
type Total struct {
	Permission   string `json:"permission_id"`
	Resource     string `json:"resource"`
	Requests     int64  `json:"requests"`
	InputTokens  int64  `json:"input_tokens"` // CachedTokens are inside
	CachedTokens int64  `json:"cached_tokens"`

	CacheWriteTokens int64 `json:"cache_write_tokens"` // in InputTokens, too
	OutputTokens     int64 `json:"output_tokens"`
	Cost             int64 `json:"cost_nano_dollars"`
}

// Session is one set of tokens of an app.
type Session struct {
	ID         string    `json:"id"`
	AppID      string    `json:"app_id"`
	AppName    string    `json:"app_name"`
	Thumbprint string    `json:"thumbprint"` // of the key it is bound to (RFC 7638)
	Address    string    `json:"address,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// Verification is the result of checking the audit chain from its first line.
type Verification struct {
	OK     bool   `json:"ok"`
	Lines  int    `json:"lines"`           // lines checked
	File   string `json:"file,omitempty"`  // in which the chain breaks first
	Broken int    `json:"broken,omitzero"` // first line of it that does not fit, counted from 1
	Reason string `json:"reason,omitempty"`
}

// Event is one line of the audit log.
type Event = audit.Event

// UnlockInput opens the vault with one of the two.
type UnlockInput struct {
	Passphrase   string `json:"passphrase,omitzero"`
	RecoveryCode string `json:"recovery_code,omitzero"` // in any case, with or without dashes
}

// SlotInput makes a key-file or recovery slot.
type SlotInput struct {
	Label string `json:"label"`
}

// PassphraseInput makes a passphrase slot.
type PassphraseInput struct {
	Label      string `json:"label"`
	Passphrase string `json:"passphrase"` // at least 12 characters
}

// ChangeInput replaces a passphrase.
type ChangeInput struct {
	Old string `json:"old"`
	New string `json:"new"` // at least 12 characters
}

// RecoveryCode is a new recovery slot together with its code, which is shown
// once and kept nowhere.
type RecoveryCode struct {
	Slot Slot   `json:"slot"`
	Code string `json:"code"`
}

// KeyTest is a KeyReport together with the key it is about.
type KeyTest struct {
	Key Key `json:"key"`
	KeyReport
}
