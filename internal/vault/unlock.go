package vault

import "fmt"

// Init sets the vault up with its first passphrase, of at least 12 characters,
// and leaves it unlocked. Errors: ErrInitialized, *PassphraseError.
func (v *Vault) Init(passphrase []byte) error {
	locks := v.lockCount()
	v.changing.Lock()
	defer v.changing.Unlock()
	if v.Initialized() {
		return ErrInitialized
	}
	if err := checkNew(passphrase); err != nil {
		return err
	}
	r, err := newRoot()
	if err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	record, err := v.newSlot(r, PassphraseSlot, "passphrase", v.cost, func(salt []byte) ([]byte, error) {
		normal := normalized(passphrase)
		defer clear(normal)
		return v.derive(normal, salt, v.cost), nil
	})
	if err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	if err := v.putSlot(record); err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	return v.install(r, locks)
}

// Unlock opens the vault with a passphrase. Unlocking an unlocked vault checks
// the passphrase all the same. A Lock during the attempt wins.
// Errors: ErrNotInitialized, ErrWrongPassphrase, *TooSoonError, ErrLocked.
func (v *Vault) Unlock(passphrase []byte) error {
	locks := v.lockCount()
	r, err := v.try(passphrase)
	if err != nil {
		return err
	}
	return v.install(r, locks)
}

// VerifyPassphrase checks a passphrase and leaves the vault as it is. It is
// refused and slowed down like Unlock, and shares its delay.
// Errors: ErrNotInitialized, ErrWrongPassphrase, *TooSoonError.
func (v *Vault) VerifyPassphrase(passphrase []byte) error {
	_, err := v.try(passphrase)
	return err
}

func (v *Vault) try(passphrase []byte) (_ *root, err error) {
	slots := v.slotsOf(PassphraseSlot)
	if len(slots) == 0 {
		return nil, ErrNotInitialized
	}
	if len(passphrase) == 0 || len(passphrase) > maxPassphraseBytes {
		return nil, ErrWrongPassphrase // no slot has such a one
	}
	if err := v.gate.enter(); err != nil {
		return nil, err
	}
	right := false
	defer func() { v.gate.leave(right) }()

	normal := normalized(passphrase)
	defer clear(normal)
	for _, s := range slots {
		key := v.derive(normal, s.Salt, s.Cost) // bounded by check at New
		r, ok := unwrap(s.Wrapped, key, s.binding())
		clear(key)
		if ok {
			right = true
			return r, nil
		}
	}
	return nil, ErrWrongPassphrase
}

// UnlockWithKey opens the vault with the content of a key file. It needs no
// delay: 256 bits are not guessed.
// Errors: ErrNotInitialized; ErrWrongKeyFile, also wrapped; ErrLocked when the
// vault was locked meanwhile.
func (v *Vault) UnlockWithKey(key []byte) error {
	locks := v.lockCount()
	if !v.Initialized() {
		return ErrNotInitialized
	}
	secret, err := parseKeyFile(key)
	if err != nil {
		return err
	}
	defer clear(secret)
	for _, s := range v.slotsOf(KeyFileSlot) {
		slotKey, err := keyFileSlotKey(secret, s.Salt)
		if err != nil {
			return fmt.Errorf("unlocking vault: %w", err)
		}
		r, ok := unwrap(s.Wrapped, slotKey, s.binding())
		clear(slotKey)
		if ok {
			return v.install(r, locks)
		}
	}
	return ErrWrongKeyFile
}
