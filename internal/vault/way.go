package vault

import (
	"cmp"
	"errors"
	"fmt"
)

// AddPassphraseSlot adds a passphrase, of at least 12 characters. The label is
// for the owner's eyes, 1 to 64 characters, default "passphrase".
// Errors: ErrLocked, ErrTooMany, *PassphraseError, *CredentialError for the
// label.
func (v *Vault) AddPassphraseSlot(label string, passphrase []byte) (Slot, error) {
	if err := checkNew(passphrase); err != nil {
		return Slot{}, err
	}
	secret := normalized(passphrase)
	defer clear(secret)
	return v.addSlot(PassphraseSlot, cmp.Or(label, "passphrase"), v.cost, secret)
}

// AddRecoveryCode makes a recovery code that unlocks the vault and returns its
// text in groups, which is kept nowhere: it is shown once and the caller
// zeroes it. It can be used any number of times, until its slot is removed.
// The label is for the owner's eyes, 1 to 64 characters, default "recovery
// code". Errors: ErrLocked, ErrTooMany, *CredentialError for the label.
func (v *Vault) AddRecoveryCode(label string) (Slot, []byte, error) {
	return v.addRandom(RecoverySlot, cmp.Or(label, "recovery code"), recoveryBytes, formatRecoveryCode)
}

// AddKeyFileSlot makes a key file that unlocks the vault, and returns its
// text, which is kept nowhere: a line to be written to a 0600 file. The label
// is for the owner's eyes, 1 to 64 characters, default "key file".
// Errors: ErrLocked, ErrTooMany, *CredentialError for the label.
func (v *Vault) AddKeyFileSlot(label string) (Slot, []byte, error) {
	return v.addRandom(KeyFileSlot, cmp.Or(label, "key file"), keyFileBytes, formatKeyFile)
}

func (v *Vault) addRandom(kind SlotKind, label string, size int, text func(secret []byte) []byte) (Slot, []byte, error) {
	secret, err := randomBytes(v.rand, size)
	if err != nil {
		return Slot{}, nil, err
	}
	defer clear(secret)
	slot, err := v.addSlot(kind, label, Argon2Params{}, secret)
	if err != nil {
		return Slot{}, nil, err
	}
	return slot, text(secret), nil
}

func (v *Vault) addSlot(kind SlotKind, label string, cost Argon2Params, secret []byte) (Slot, error) {
	label, err := cleanLabel(label)
	if err != nil {
		return Slot{}, err
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	r, err := v.unlocked()
	if err != nil {
		return Slot{}, err
	}
	if len(v.slots) >= maxSlots {
		return Slot{}, fmt.Errorf("%w: at most %d key slots", ErrTooMany, maxSlots)
	}
	record, err := v.newSlot(r, kind, label, cost, secret)
	if err != nil {
		return Slot{}, err
	}
	if err := v.putSlot(record); err != nil {
		// It may be stored all the same, and nobody will ever know its secret:
		// it must not count as a way in when another is removed.
		if _, stored := v.slots[record.ID]; stored {
			err = errors.Join(err, v.dropSlot(record.ID))
		}
		return Slot{}, err
	}
	return record.Slot, nil
}
