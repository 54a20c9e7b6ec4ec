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
	r, err := newRoot(1)
	if err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	secret := normalized(passphrase)
	defer clear(secret)
	record, err := v.newSlot(r, PassphraseSlot, "passphrase", v.cost, secret)
	if err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	if err := v.putSlot(record); err != nil {
		return fmt.Errorf("setting up vault: %w", err)
	}
	return v.install(r, locks)
}

// Unlock opens the vault with a passphrase that came over the local socket.
// Unlocking an unlocked vault checks the passphrase all the same. A Lock during
// the attempt wins. A slot cheaper than Config.Argon2 is raised to it.
// Errors: ErrNotInitialized, ErrWrongPassphrase, *TooSoonError, ErrLocked.
func (v *Vault) Unlock(passphrase []byte) error { return v.unlock(localDoor, passphrase) }

// UnlockFromConsole is Unlock for a passphrase typed in the web console, where
// strangers may be guessing: it has a delay of its own.
// Errors: as Unlock.
func (v *Vault) UnlockFromConsole(passphrase []byte) error {
	return v.unlock(consoleDoor, passphrase)
}

func (v *Vault) unlock(at door, passphrase []byte) error {
	locks := v.lockCount()
	return v.try(at, passphrase, func(r *root, slot slotRecord, secret []byte) error {
		if err := v.install(r, locks); err != nil {
			return err
		}
		v.raise(r, slot, secret)
		return nil
	})
}

// VerifyFromConsole checks a passphrase typed in the web console and leaves the
// vault as it is. It is refused and slowed down like UnlockFromConsole, and
// shares its delay. Errors: ErrNotInitialized, ErrWrongPassphrase,
// *TooSoonError.
func (v *Vault) VerifyFromConsole(passphrase []byte) error {
	return v.try(consoleDoor, passphrase, func(*root, slotRecord, []byte) error { return nil })
}

// try lets one passphrase in at a time, and refuses without computing anything
// while the delay after a wrong one lasts. It calls right with what the
// passphrase opened, and with its normal form.
func (v *Vault) try(at door, passphrase []byte, right func(r *root, slot slotRecord, secret []byte) error) error {
	if !v.Initialized() {
		return ErrNotInitialized
	}
	with := WithPassphrase(passphrase)
	secret, err := with.secret()
	if err != nil {
		return err
	}
	defer clear(secret)
	if err := v.gate.enter(at); err != nil {
		return err
	}
	opened := false
	defer func() { v.gate.leave(at, opened) }()
	r, slot, err := openAny(v.slotsOf(slotRecord.any), with, secret, v.derive)
	if err != nil {
		return err
	}
	opened = true
	return right(r, slot, secret)
}

// UnlockWithKey opens the vault with the content of a key file. It needs no
// delay: 256 bits are not guessed.
// Errors: ErrNotInitialized; ErrWrongKeyFile, also wrapped; ErrLocked when the
// vault was locked meanwhile.
func (v *Vault) UnlockWithKey(key []byte) error { return v.unlockAtOnce(WithKeyFile(key)) }

// UnlockWithRecoveryCode opens the vault with a recovery code, typed in any
// case, with or without dashes. It needs no delay: 128 bits are not guessed.
// Errors: ErrNotInitialized; ErrMistypedCode, wrapped, before anything is
// computed; ErrWrongRecoveryCode; ErrLocked when the vault was locked
// meanwhile.
func (v *Vault) UnlockWithRecoveryCode(code []byte) error {
	return v.unlockAtOnce(WithRecoveryCode(code))
}

func (v *Vault) unlockAtOnce(with Unlocker) error {
	locks := v.lockCount()
	if !v.Initialized() {
		return ErrNotInitialized
	}
	secret, err := with.secret()
	if err != nil {
		return err
	}
	defer clear(secret)
	r, _, err := openAny(v.slotsOf(slotRecord.any), with, secret, v.derive)
	if err != nil {
		return err
	}
	return v.install(r, locks)
}
