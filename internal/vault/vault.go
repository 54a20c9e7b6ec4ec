// Package vault keeps the owner's secrets: key slots, lock and unlock,
// credentials.
package vault

import (
	"io"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// Argon2Params are the cost of deriving a key from a passphrase (RFC 9106).
type Argon2Params struct {
	// MemoryKiB is the memory in KiB, 8 per thread to 1 GiB.
	MemoryKiB uint32 `json:"memory_kib"`
	// Passes over the memory, 1 to 64.
	Passes uint32 `json:"passes"`
	// Threads, 1 to 16.
	Threads uint8 `json:"threads"`
}

// Config says what the vault stands on.
type Config struct {
	// Store holds the sealed records. Required.
	Store *store.Store
	// Clock times the delay after wrong passphrases. Default time.Now.
	Clock func() time.Time
	// Rand makes ids, salts and key files. Default crypto/rand.Reader.
	Rand io.Reader
	// Argon2 is the cost of new passphrase slots. Default 64 MiB, 3 passes,
	// 1 thread; anything cheaper is for tests.
	Argon2 Argon2Params
}

// Vault is an open vault. Its methods may be called concurrently.
type Vault struct{}

// SlotKind says what opens a slot.
type SlotKind string

// Every kind of slot.
const (
	PassphraseSlot SlotKind = "passphrase"
	KeyFileSlot    SlotKind = "key-file"
)

// Slot is one way to unlock the vault.
type Slot struct {
	ID        string    `json:"id"`
	Kind      SlotKind  `json:"kind"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
}

// Credential describes a provider key, without it.
type Credential struct {
	ID       string `json:"id"`
	Resource string `json:"resource"`
	Label    string `json:"label"`
	// BaseURL is where the key may be sent; empty is the provider's own.
	BaseURL   string    `json:"base_url"`
	CreatedAt time.Time `json:"created_at"`
}

// NewCredential is a provider key to be stored.
type NewCredential struct {
	// Resource is what it is for, e.g. llm:openai. Required.
	Resource string
	// Label tells keys of one resource apart. Default "default".
	Label string
	// BaseURL overrides the provider's own. Default "", the provider's own.
	BaseURL string
	// Secret is the key. Required. The caller zeroes it.
	Secret Secret
}

// New opens the vault, locked.
func New(Config) (*Vault, error) { return &Vault{}, nil }

// Initialized reports whether the vault was set up.
func (v *Vault) Initialized() bool { return false }

// Locked reports whether secrets are out of reach.
func (v *Vault) Locked() bool { return true }

// Init sets the vault up and leaves it unlocked.
func (v *Vault) Init(passphrase []byte) error { return nil }

// Unlock opens the vault with a passphrase.
func (v *Vault) Unlock(passphrase []byte) error { return ErrNotInitialized }

// UnlockWithKey opens the vault with the content of a key file.
func (v *Vault) UnlockWithKey(key []byte) error { return ErrNotInitialized }

// VerifyPassphrase checks a passphrase without unlocking.
func (v *Vault) VerifyPassphrase(passphrase []byte) error { return ErrNotInitialized }

// Lock forgets the root key.
func (v *Vault) Lock() {}

// OnLock registers a watcher.
func (v *Vault) OnLock(func()) {}

// Slots lists the slots.
func (v *Vault) Slots() ([]Slot, error) { return nil, nil }

// AddKeyFileSlot makes a key file.
func (v *Vault) AddKeyFileSlot(label string) (Slot, []byte, error) { return Slot{}, nil, ErrLocked }

// RemoveSlot removes a slot.
func (v *Vault) RemoveSlot(id string) error { return ErrNoSlot }

// AddCredential stores a provider key.
func (v *Vault) AddCredential(c NewCredential) (Credential, error) { return Credential{}, ErrLocked }

// Credentials lists what is stored, without secrets.
func (v *Vault) Credentials() ([]Credential, error) { return nil, nil }

// RemoveCredential removes a provider key by id, or label when unambiguous.
func (v *Vault) RemoveCredential(id string) error { return ErrNoCredential }

// Release gives out the first added key for a resource.
func (v *Vault) Release(resource string) (Credential, Secret, error) {
	return Credential{}, Secret{}, ErrLocked
}

// ReleaseByID gives out one key.
func (v *Vault) ReleaseByID(id string) (Credential, Secret, error) {
	return Credential{}, Secret{}, ErrLocked
}
