package vault

import (
	"fmt"
	"slices"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	maxRank   = 99
	maxWeight = 100
)

// Arrangement says when a key is used among those of one resource. It is not
// bound to the key, so that the owner can change it while the vault is locked.
type Arrangement struct {
	// Rank is the order in which keys are tried, the lowest first, 0 to 99.
	Rank int `json:"rank,omitzero"`
	// Weight shares the requests among keys of the same rank, 1 to 100; 0
	// counts as 1.
	Weight int `json:"weight,omitzero"`
	// Draining takes the key out of use for new requests; running ones go on.
	Draining bool `json:"draining,omitzero"`
}

// Share is the weight, at least 1.
func (a Arrangement) Share() int { return max(a.Weight, 1) }

// Words says it to the owner.
func (a Arrangement) Words() string {
	words := fmt.Sprintf("rank %d, weight %d", a.Rank, a.Share())
	if a.Draining {
		words += ", draining"
	}
	return words
}

func (a Arrangement) check() error {
	switch {
	case a.Rank < 0 || a.Rank > maxRank:
		return &CredentialError{"rank", fmt.Sprintf("it must be 0 to %d; the lowest is tried first", maxRank)}
	case a.Weight < 0 || a.Weight > maxWeight:
		return &CredentialError{"weight", fmt.Sprintf("it must be 1 to %d", maxWeight)}
	}
	return nil
}

// Arrange changes when a key is used; the key is named by its id, or by its
// label if no other key has it. It works while locked. Errors:
// ErrNoCredential, ErrAmbiguous, *CredentialError.
func (v *Vault) Arrange(idOrLabel string, a Arrangement) (Credential, error) {
	if err := a.check(); err != nil {
		return Credential{}, err
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	record, err := v.credentialNamed(idOrLabel)
	if err != nil {
		return Credential{}, err
	}
	record.Arrangement = a
	err = v.commit(func(all *records) { all.credentials = with(all.credentials, record.ID, record) },
		func(tx *store.Tx) error { return credentialRecords.Put(tx, record.ID, record) })
	if err != nil {
		return Credential{}, fmt.Errorf("arranging key: %w", err)
	}
	return record.Credential, nil
}

// CredentialsFor lists the keys of one resource as they are to be tried: by
// rank, then in the order of adding; those being drained are among them. It
// works while locked.
func (v *Vault) CredentialsFor(resource string) []Credential {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Clone(v.choices[resource])
}
