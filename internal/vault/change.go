package vault

import "bytes"

// ChangePassphrase puts a new passphrase, of at least 12 characters, in the
// place of an old one. Nothing but that slot is wrapped anew. It works while
// locked, and does not unlock. Whoever has the old passphrase and an old copy
// of the data directory can still open that copy.
// Errors: ErrNotInitialized, ErrWrongPassphrase, *TooSoonError for the old
// one; *PassphraseError for the new one.
func (v *Vault) ChangePassphrase(old, new []byte) error {
	if err := checkNew(new); err != nil {
		return err
	}
	secret := normalized(new)
	defer clear(secret)
	v.changing.Lock()
	defer v.changing.Unlock()
	return v.try(localDoor, old, func(r *root, slot slotRecord, _ []byte) error {
		return v.replaceSlot(r, slot, v.cost, secret)
	})
}

// replaceSlot wraps a slot anew; the caller holds changing.
func (v *Vault) replaceSlot(r *root, slot slotRecord, cost Argon2Params, secret []byte) error {
	record, err := v.fillSlot(r, slot.Slot, cost, secret)
	if err != nil {
		return err
	}
	return v.putSlot(record)
}

// raise wraps a slot anew if it is cheaper than slots now are. Where it fails,
// the vault is open all the same and the next unlock tries again.
func (v *Vault) raise(r *root, slot slotRecord, secret []byte) {
	cost, grown := slot.Cost.raisedTo(v.cost)
	if !grown {
		return
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	now := v.slots[slot.ID] // removed, changed or rotated meanwhile?
	if now.RootVersion == r.version && bytes.Equal(now.Identity, slot.Identity) {
		_ = v.replaceSlot(r, slot, cost, secret)
	}
}

// raisedTo returns a cost that is nowhere cheaper than either, and whether it
// is dearer than p in memory or passes.
func (p Argon2Params) raisedTo(least Argon2Params) (Argon2Params, bool) {
	both := Argon2Params{MemoryKiB: max(p.MemoryKiB, least.MemoryKiB), Passes: max(p.Passes, least.Passes), Threads: least.Threads}
	grown := both.MemoryKiB > p.MemoryKiB || both.Passes > p.Passes
	if !grown || both.check() != nil {
		return p, false
	}
	return both, true
}
