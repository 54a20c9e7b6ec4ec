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
	RecoverySlot   SlotKind = "recovery"
	KeyFileSlot    SlotKind = "key-file"
)

// Slot is one way to unlock the vault.
type Slot struct {
	ID        string    `json:"id"`
	Kind      SlotKind  `json:"kind"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
}

// slotRecord is a slot as stored. All of it is associated data of what is
// sealed in it, so altering any of it makes the slot useless rather than
// weaker.
type slotRecord struct {
	Format int `json:"format"`
	Slot
	Cost   Argon2Params `json:"cost,omitzero"` // passphrase slots only
	Salt   []byte       `json:"salt"`
	Public []byte       `json:"public"` // of the identity

	Identity    []byte `json:"identity"` // sealed under the slot key
	RootVersion int64  `json:"root_version"`
	Root        []byte `json:"root"` // the root key, sealed for the identity
	Pin         []byte `json:"pin"`  // the identity's pin, sealed under the root key
}

func (r slotRecord) identityBinding() []byte { return bind("vault slot identity", r.parts()...) }

func (r slotRecord) rootBinding() []byte {
	return bind("vault slot root", append(r.parts(), number(r.RootVersion))...)
}

func (r slotRecord) pinBinding() []byte {
	return bind("vault slot pin", append(r.parts(), number(r.RootVersion))...)
}

func (r slotRecord) parts() []string {
	return []string{
		r.ID, string(r.Kind), r.Label, instant(r.CreatedAt),
		number(r.Cost.MemoryKiB), number(r.Cost.Passes), number(r.Cost.Threads), string(r.Salt), string(r.Public),
	}
}

// check refuses a record that no version of this package wrote. Error:
// ErrDamaged.
func (r slotRecord) check(id string) error {
	bad := r.Format != format || r.ID != id || len(r.Salt) != saltBytes || len(r.Public) != publicBytes || r.RootVersion < 1
	switch r.Kind {
	case PassphraseSlot:
		bad = bad || r.Cost.check() != nil
	case RecoverySlot, KeyFileSlot:
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
	var slots []Slot
	for _, r := range v.slotsOf(slotRecord.any) {
		slots = append(slots, r.Slot)
	}
	return slots, nil
}

// newSlot wraps the root key for a fresh identity, sealed under what the
// secret gives with a fresh salt.
func (v *Vault) newSlot(r *root, kind SlotKind, label string, cost Argon2Params, secret []byte) (slotRecord, error) {
	id, err := newID(v.rand, "slot_")
	if err != nil {
		return slotRecord{}, err
	}
	return v.fillSlot(r, Slot{ID: id, Kind: kind, Label: label, CreatedAt: v.clock().UTC().Round(0)}, cost, secret)
}

// fillSlot makes the record of a slot anew. Its identity is a fresh one, so
// that whoever opened the slot by its former secret cannot open it again.
func (v *Vault) fillSlot(r *root, slot Slot, cost Argon2Params, secret []byte) (slotRecord, error) {
	random := func(n int) ([]byte, error) { return randomBytes(v.rand, n) }
	salt, err := random(saltBytes)
	if err != nil {
		return slotRecord{}, err
	}
	id, err := newIdentity(random)
	if err != nil {
		return slotRecord{}, err
	}
	defer id.zero()
	record := slotRecord{Format: format, Slot: slot, Cost: cost, Salt: salt, Public: id.public()}
	key, err := record.slotKey(secret, v.derive)
	if err != nil {
		return slotRecord{}, err
	}
	defer clear(key)
	if record.Identity, err = id.seal(key, record.identityBinding()); err != nil {
		return slotRecord{}, fmt.Errorf("sealing slot identity: %w", err)
	}
	return record, r.wrapFor(&record, id.pin)
}

// putSlot stores a slot; the caller holds changing.
func (v *Vault) putSlot(record slotRecord) error {
	err := v.commit(func(r *records) { r.slots = with(r.slots, record.ID, record) },
		func(tx *store.Tx) error { return slotRecords.Put(tx, record.ID, record) })
	if err != nil {
		return fmt.Errorf("storing key slot: %w", err)
	}
	return nil
}

// RemoveSlot removes a way to unlock, but never the last one that a person can
// use: a passphrase or a recovery code. It works while locked.
// Errors: ErrNoSlot; ErrLastSlot.
func (v *Vault) RemoveSlot(id string) error {
	v.changing.Lock()
	defer v.changing.Unlock()
	record, ok := v.slots[id]
	if !ok {
		return ErrNoSlot
	}
	if record.forPeople() && len(v.slotsOf(slotRecord.forPeople)) == 1 {
		return ErrLastSlot
	}
	return v.dropSlot(id)
}

// dropSlot removes a slot; the caller holds changing.
func (v *Vault) dropSlot(id string) error {
	err := v.commit(func(r *records) { r.slots = without(r.slots, id) },
		func(tx *store.Tx) error { return slotRecords.Delete(tx, id) })
	if err != nil {
		return fmt.Errorf("removing key slot: %w", err)
	}
	return nil
}

// forPeople reports whether somebody can open the slot with what they know or
// keep on paper.
func (r slotRecord) forPeople() bool { return r.Kind == PassphraseSlot || r.Kind == RecoverySlot }

func (r slotRecord) any() bool { return true }

// slotsOf returns matching slots, oldest first.
func (v *Vault) slotsOf(match func(slotRecord) bool) []slotRecord {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var records []slotRecord
	for _, r := range v.slots {
		if match(r) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b slotRecord) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
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
