package vault

import (
	"context"
	"fmt"

	"github.com/keywicket/keywicket/internal/store"
)

// Rotate makes a new version of the root key, wraps it for every slot and
// seals every provider key anew, while keys go on being released. All of it is
// one transaction: whatever interrupts it, the vault has the old root key or
// the new one and never both, so that resuming is running it again.
//
// What is stored from then on is out of reach of an old root key and of slots
// removed before, even for somebody with a copy of the data directory as it
// will be. Keys that were stored already were within their reach: if somebody
// may have opened an old copy, replace those at the providers.
//
// Errors: ErrLocked; ctx.Err(); ErrDamaged when a provider key does not open
// or a slot is not of this vault's making, and then nothing has changed.
func (v *Vault) Rotate(ctx context.Context) error {
	v.changing.Lock()
	defer v.changing.Unlock()
	old, err := v.unlocked()
	if err != nil {
		return err
	}
	next, err := newRoot(old.version + 1)
	if err != nil {
		return fmt.Errorf("rotating root key: %w", err)
	}
	after, err := v.records.under(ctx, old, next)
	if err != nil {
		return fmt.Errorf("rotating root key: %w", err)
	}
	err = v.commitWith(next, func(r *records) { *r = after }, func(tx *store.Tx) error { return after.put(ctx, tx) })
	if err != nil {
		return fmt.Errorf("rotating root key: %w", err)
	}
	return nil
}

// RootVersion is the version of the root key, from 1; 0 when the vault is not
// set up. It works while locked.
func (v *Vault) RootVersion() int64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.rootVersion()
}

// under returns all records wrapped and sealed under the next root key.
func (r records) under(ctx context.Context, old, next *root) (records, error) {
	after := records{slots: map[string]slotRecord{}, credentials: map[string]credentialRecord{}}
	for id, slot := range r.slots {
		pin, err := old.pinOf(slot)
		if err != nil {
			return after, err
		}
		err = next.wrapFor(&slot, pin)
		clear(pin)
		if err != nil {
			return after, err
		}
		after.slots[id] = slot
	}
	for id, record := range r.credentials {
		if err := ctx.Err(); err != nil {
			return after, err
		}
		if err := record.reseal(old, next); err != nil {
			return after, err
		}
		after.credentials[id] = record
	}
	return after, nil
}

// reseal moves a credential under the next root key, and makes sure that it
// opens there: after the rotation there is no other copy.
func (r *credentialRecord) reseal(old, next *root) error {
	secret, err := r.openUnder(old)
	if err != nil {
		return err
	}
	defer clear(secret)
	r.Version++
	if err := r.sealUnder(next, secret); err != nil {
		return err
	}
	again, err := r.openUnder(next)
	clear(again)
	return err
}

func (r records) put(ctx context.Context, tx *store.Tx) error {
	for id, slot := range r.slots {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := slotRecords.Put(tx, id, slot); err != nil {
			return err
		}
	}
	for id, record := range r.credentials {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := credentialRecords.Put(tx, id, record); err != nil {
			return err
		}
	}
	return nil
}
