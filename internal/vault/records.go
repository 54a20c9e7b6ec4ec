package vault

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/keywicket/keywicket/internal/store"
)

// records is all that is stored, but for the delay. The maps are never
// changed in place: readers keep what they have.
type records struct {
	slots       map[string]slotRecord
	credentials map[string]credentialRecord
	ready
}

// ready is what every release needs of the credentials, made once for each
// change of them.
type ready struct {
	bindings map[string][]byte       // of each credential, by its id
	choices  map[string][]Credential // of each resource, as they are to be tried
}

func (r records) made() ready {
	of := ready{bindings: make(map[string][]byte, len(r.credentials)), choices: map[string][]Credential{}}
	for _, record := range matching(r.credentials, func(credentialRecord) bool { return true }) {
		of.bindings[record.ID] = record.binding()
		of.choices[record.Resource] = append(of.choices[record.Resource], record.Credential)
	}
	for _, list := range of.choices {
		slices.SortStableFunc(list, func(a, b Credential) int { return cmp.Compare(a.Rank, b.Rank) })
	}
	return of
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
	r.ready = r.made()
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
		found.ready = found.made()
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
