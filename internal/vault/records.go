package vault

import (
	"fmt"

	"github.com/keywicket/keywicket/internal/store"
)

// records is all that is stored, but for the delay. The maps are never
// changed in place: readers keep what they have.
type records struct {
	slots       map[string]slotRecord
	credentials map[string]credentialRecord
}

// readRecords refuses what no version of this package wrote. Error: ErrDamaged.
func readRecords(tx *store.Tx) (r records, err error) {
	if r.slots, err = slotRecords.All(tx); err != nil {
		return r, err
	}
	version := r.rootVersion()
	for id, s := range r.slots {
		if err := s.check(id); err != nil {
			return r, err
		}
		if s.RootVersion != version {
			return r, fmt.Errorf("%w: key slot %s is older or newer than the others", ErrDamaged, id)
		}
	}
	if r.credentials, err = credentialRecords.All(tx); err != nil {
		return r, err
	}
	for id, c := range r.credentials {
		if err := c.check(id); err != nil {
			return r, err
		}
	}
	// Without this check a vault whose slots vanished could be set up anew.
	if len(r.credentials) > 0 && len(r.slots) == 0 {
		return r, fmt.Errorf("%w: it holds keys and no way to open them", ErrDamaged)
	}
	return r, nil
}

// rootVersion is that of the root key in the slots, which is the same in all;
// 0 when there is none.
func (r records) rootVersion() int64 {
	for _, s := range r.slots {
		return s.RootVersion
	}
	return 0
}

// commit writes a change to the store and takes it into memory; the caller
// holds changing.
func (v *Vault) commit(change func(*records), write func(*store.Tx) error) error {
	return v.commitWith(nil, change, write)
}

// commitWith is commit for a change of the root key too. After an error nobody
// knows whether the change reached the disk, so what is there is read again:
// memory never differs from what a restart would find.
func (v *Vault) commitWith(next *root, change func(*records), write func(*store.Tx) error) error {
	found := v.records
	err := v.update(write)
	if err == nil {
		change(&found)
	} else if v.store.View(func(tx *store.Tx) (err error) { found, err = readRecords(tx); return err }) != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.records = found
	if v.root != nil && next != nil && next.version == found.rootVersion() {
		v.root = next
	}
	return err
}
