// Package vault keeps the owner's secrets: the keys of the services they pay
// for, and the ways to get at them.
//
// It guarantees that a provider key leaves it only while it is unlocked (or
// through Export, for the passphrase), only with the resource and base URL it
// was stored for, and only as a Secret, which no printing, logging or encoding
// reveals. A stored key that was moved, swapped or given another base URL does
// not open. A wrong passphrase costs a growing delay that survives a restart,
// and nothing is computed while it lasts. Every change is one transaction:
// adding, changing and removing a slot wraps that slot only, and a rotation
// that is interrupted has not happened.
//
// It refuses to run a key derivation with parameters out of bounds, to hold a
// weak passphrase, and to lose the last passphrase or recovery code. It
// promises no more about memory than Go allows: buffers of its own are zeroed
// after use; what the cryptographic libraries copied is dropped at Lock and
// left to the collector.
//
//	passphrase ───── NFKC, Argon2id(salt, cost) ─┐
//	recovery code ── HKDF-SHA256(salt) ──────────┼─ slot key ── seals ── identity: X25519 key pair, pin
//	key file ─────── HKDF-SHA256(salt) ──────────┘                            │
//	                                          pin (XChaCha20-Poly1305) and public key (HPKE) wrap
//	                                                                          │
//	                                                       root keyset, version n (Tink AEAD)
//	                                                                          │ seals
//	          provider keys, each bound to its id, resource, label, base URL and version
//	          the pin of every slot: a slot that somebody else made is refused
//	          the key of a backup, in an envelope that carries the slots
//
// The records themselves lie in the store, sealed once more under the host
// key. Removing a slot does not change the root key: whoever has both the
// removed key file and an old copy of the data directory can still open that
// copy, and with that root key what is stored until the next Rotate.
package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// format is the version of this package's records.
const format = 1

// Config says what the vault stands on.
type Config struct {
	// Store holds the sealed records. Required.
	Store *store.Store
	// Clock times the delay after wrong passphrases. Default time.Now.
	Clock func() time.Time
	// Rand makes ids, salts and key files. Default crypto/rand.Reader. Keys
	// and nonces inside keysets always come from the operating system.
	Rand io.Reader
	// Argon2 is the cost of new passphrase slots; a cheaper one is raised to it
	// at the next unlock. Default 64 MiB, 3 passes, 1 thread; anything cheaper
	// is for tests.
	Argon2 Argon2Params
}

// Vault is an open vault. Its methods may be called concurrently.
type Vault struct {
	store  *store.Store
	update func(func(*store.Tx) error) error // store.Update; tests make it fail
	clock  func() time.Time
	rand   io.Reader
	cost   Argon2Params
	derive derivation
	gate   *gate

	// changing is held by whoever changes records, from reading mu's state to
	// writing it, so that a disk sync never holds up Release.
	changing sync.Mutex

	mu    sync.RWMutex
	root  *root // nil while locked
	locks int   // how often Lock was called
	records
	watchers []func()
	removals []func(credentialID string)
}

// New reads the vault's records; it starts locked.
// Errors: ErrDamaged, or the store's.
func New(cfg Config) (*Vault, error) {
	if cfg.Store == nil {
		return nil, errors.New("opening vault: Config.Store is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Argon2 == (Argon2Params{}) {
		cfg.Argon2 = defaultCost
	}
	if err := cfg.Argon2.check(); err != nil {
		return nil, fmt.Errorf("opening vault: Config.Argon2: %w", err)
	}
	v := &Vault{
		store: cfg.Store, update: cfg.Store.Update, clock: cfg.Clock, rand: cfg.Rand, cost: cfg.Argon2, derive: argon2id,
		gate: &gate{store: cfg.Store, clock: cfg.Clock},
	}
	if err := cfg.Store.View(v.load); err != nil {
		return nil, fmt.Errorf("opening vault: %w", err)
	}
	return v, nil
}

func (v *Vault) load(tx *store.Tx) error {
	records, err := readRecords(tx)
	if err != nil {
		return err
	}
	v.records = records
	return v.gate.load(tx)
}

// Initialized reports whether the vault was set up.
func (v *Vault) Initialized() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.slots) > 0
}

// Locked reports whether secrets are out of reach.
func (v *Vault) Locked() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.root == nil
}

// Lock forgets the root key and then calls every watcher. No Release that
// began before can succeed after it returns, nor can an unlock under way.
func (v *Vault) Lock() {
	v.mu.Lock()
	v.root = nil
	v.locks++
	watchers := v.watchers
	v.mu.Unlock()
	for _, watch := range watchers {
		watch()
	}
}

// OnLock registers a watcher that Lock calls, after locking, in the order of
// registration. It must not block.
func (v *Vault) OnLock(watch func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watchers = append(v.watchers[:len(v.watchers):len(v.watchers)], watch)
}

// OnRemove registers a watcher that RemoveCredential calls with the id, once no
// Release gives that key out any more. It must not block, and must not change
// the vault.
func (v *Vault) OnRemove(watch func(credentialID string)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.removals = append(v.removals[:len(v.removals):len(v.removals)], watch)
}

// lockCount is compared by install: a Lock in between wins.
func (v *Vault) lockCount() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.locks
}

func (v *Vault) install(r *root, locks int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.locks != locks:
		return errInterrupted
	case r.version == v.rootVersion():
		v.root = r
	case v.root == nil: // rotated and locked while r was being unwrapped
		return errInterrupted
	}
	return nil
}

// unlocked returns the root key. Error: ErrLocked.
func (v *Vault) unlocked() (*root, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return nil, ErrLocked
	}
	return v.root, nil
}
