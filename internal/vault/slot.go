package vault

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	maxSlots  = 16
	saltBytes = 16
)

var slotRecords = store.NewCollection[slotRecord]("vault-slots")

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

// slotRecord is a slot as stored. All of it but Wrapped is associated data of
// Wrapped, so altering any of it makes the slot useless rather than weaker.
type slotRecord struct {
	Format int `json:"format"`
	Slot
	Cost    Argon2Params `json:"cost,omitzero"` // passphrase slots only
	Salt    []byte       `json:"salt"`
	Wrapped []byte       `json:"wrapped"`
}

func (r slotRecord) binding() []byte {
	return bind("vault slot", r.ID, string(r.Kind), r.Label, instant(r.CreatedAt),
		number(r.Cost.MemoryKiB), number(r.Cost.Passes), number(r.Cost.Threads), string(r.Salt))
}

// check refuses a record that no version of this package wrote. Error:
// ErrDamaged.
func (r slotRecord) check(id string) error {
	bad := r.Format != format || r.ID != id || len(r.Salt) != saltBytes
	switch r.Kind {
	case PassphraseSlot:
		bad = bad || r.Cost.check() != nil
	case KeyFileSlot:
		bad = bad || r.Cost != Argon2Params{}
	default:
		bad = true
	}
	if bad {
		return fmt.Errorf("%w: key slot %s is not valid", ErrDamaged, id)
	}
	return nil
}

// Slots lists the ways to unlock, oldest first. It works while locked.
func (v *Vault) Slots() ([]Slot, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var slots []Slot
	for _, r := range v.slots {
		slots = append(slots, r.Slot)
	}
	slices.SortFunc(slots, func(a, b Slot) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return slots, nil
}

// AddKeyFileSlot makes a key file that unlocks the vault, and returns its
// text, which is kept nowhere: a line to be written to a 0600 file. The label
// is for the owner's eyes, 1 to 64 characters, default "key file".
// Errors: ErrLocked, ErrTooMany, *CredentialError for the label.
func (v *Vault) AddKeyFileSlot(label string) (Slot, []byte, error) {
	label, err := cleanLabel(cmp.Or(label, "key file"))
	if err != nil {
		return Slot{}, nil, err
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	r, err := v.unlocked()
	if err != nil {
		return Slot{}, nil, err
	}
	key, err := randomBytes(v.rand, keyFileBytes)
	if err != nil {
		return Slot{}, nil, err
	}
	defer clear(key)
	record, err := v.newSlot(r, KeyFileSlot, label, Argon2Params{}, func(salt []byte) ([]byte, error) {
		return keyFileSlotKey(key, salt)
	})
	if err != nil {
		return Slot{}, nil, err
	}
	if err := v.putSlot(record); err != nil {
		return Slot{}, nil, err
	}
	return record.Slot, formatKeyFile(key), nil
}

// newSlot wraps the root key under what slotKey derives from a fresh salt.
func (v *Vault) newSlot(r *root, kind SlotKind, label string, cost Argon2Params, slotKey func(salt []byte) ([]byte, error)) (slotRecord, error) {
	id, err := newID(v.rand, "slot_")
	if err != nil {
		return slotRecord{}, err
	}
	salt, err := randomBytes(v.rand, saltBytes)
	if err != nil {
		return slotRecord{}, err
	}
	record := slotRecord{
		Format: format, Cost: cost, Salt: salt,
		Slot: Slot{ID: id, Kind: kind, Label: label, CreatedAt: v.clock().UTC().Round(0)},
	}
	key, err := slotKey(salt)
	if err != nil {
		return slotRecord{}, err
	}
	defer clear(key)
	record.Wrapped, err = r.wrap(key, record.binding())
	return record, err
}

// putSlot stores a slot; the caller holds changing.
func (v *Vault) putSlot(record slotRecord) error {
	if len(v.slots) >= maxSlots {
		return fmt.Errorf("%w: at most %d key slots", ErrTooMany, maxSlots)
	}
	if err := v.store.Update(func(tx *store.Tx) error { return slotRecords.Put(tx, record.ID, record) }); err != nil {
		return fmt.Errorf("storing key slot: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slots = with(v.slots, record.ID, record)
	return nil
}

// RemoveSlot removes a way to unlock. It works while locked.
// Errors: ErrNoSlot; ErrLastPassphrase.
func (v *Vault) RemoveSlot(id string) error {
	v.changing.Lock()
	defer v.changing.Unlock()
	record, ok := v.slots[id]
	if !ok {
		return ErrNoSlot
	}
	if record.Kind == PassphraseSlot && len(v.slotsOf(PassphraseSlot)) == 1 {
		return ErrLastPassphrase
	}
	if err := v.store.Update(func(tx *store.Tx) error { return slotRecords.Delete(tx, id) }); err != nil {
		return fmt.Errorf("removing key slot: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slots = without(v.slots, id)
	return nil
}

func (v *Vault) slotsOf(kind SlotKind) []slotRecord {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var records []slotRecord
	for _, r := range v.slots {
		if r.Kind == kind {
			records = append(records, r)
		}
	}
	return records
}

// with and without return a changed copy: readers keep the map they have.
func with[V any](m map[string]V, key string, value V) map[string]V {
	m = maps.Clone(m)
	m[key] = value
	return m
}

func without[V any](m map[string]V, key string) map[string]V {
	m = maps.Clone(m)
	delete(m, key)
	return m
}
