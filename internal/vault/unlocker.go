package vault

import (
	"errors"
	"fmt"
)

// Unlocker is something that opens a slot: what the owner typed or kept.
type Unlocker struct {
	kind SlotKind
	text func() []byte // a closure for the same reason as in Secret
}

// WithPassphrase opens passphrase slots. The caller keeps and zeroes the text.
func WithPassphrase(passphrase []byte) Unlocker { return unlocker(PassphraseSlot, passphrase) }

// WithRecoveryCode opens recovery slots; the code may be typed in any case,
// with or without dashes. The caller keeps and zeroes the text.
func WithRecoveryCode(code []byte) Unlocker { return unlocker(RecoverySlot, code) }

// WithKeyFile opens key file slots with the content of a key file. The caller
// keeps and zeroes the text.
func WithKeyFile(text []byte) Unlocker { return unlocker(KeyFileSlot, text) }

func unlocker(kind SlotKind, text []byte) Unlocker {
	return Unlocker{kind: kind, text: func() []byte { return text }}
}

var errNothing = errors.New("nothing to open it with: give the passphrase, a recovery code or a key file")

// Kind says what kind of slot it opens; "" for the zero Unlocker.
func (u Unlocker) Kind() SlotKind { return u.kind }

// derivation turns a secret into slot keys.
type derivation func(passphrase, salt []byte, cost Argon2Params) []byte

// secret reads the text, at no cost. The caller zeroes the result.
// Errors: the kind's "wrong", ErrMistypedCode.
func (u Unlocker) secret() ([]byte, error) {
	switch u.kind {
	case PassphraseSlot:
		if text := u.text(); len(text) > 0 && len(text) <= maxPassphraseBytes {
			return normalized(text), nil
		}
		return nil, ErrWrongPassphrase // no slot has such a one
	case RecoverySlot:
		return parseRecoveryCode(u.text())
	case KeyFileSlot:
		return parseKeyFile(u.text())
	}
	return nil, errNothing
}

// wrong is the refusal of a secret that opens no slot.
func (u Unlocker) wrong() error {
	switch u.kind {
	case RecoverySlot:
		return ErrWrongRecoveryCode
	case KeyFileSlot:
		return ErrWrongKeyFile
	}
	return ErrWrongPassphrase
}

// slotKey derives the key of one slot, 32 bytes, which the caller zeroes.
func (s slotRecord) slotKey(secret []byte, derive derivation) ([]byte, error) {
	switch s.Kind {
	case PassphraseSlot:
		return derive(secret, s.Salt, s.Cost), nil // bounded by check
	case RecoverySlot:
		return recoverySlotKey(secret, s.Salt)
	case KeyFileSlot:
		return keyFileSlotKey(secret, s.Salt)
	}
	return nil, fmt.Errorf("%w: key slot %s is of an unknown kind", ErrDamaged, s.ID)
}

// openAny tries the slots of u's kind in turn. Errors: u.wrong(); ErrDamaged
// when a slot opens and what it holds is not what was put there.
func openAny(slots []slotRecord, u Unlocker, secret []byte, derive derivation) (*root, slotRecord, error) {
	for _, s := range slots {
		if s.Kind != u.kind {
			continue
		}
		key, err := s.slotKey(secret, derive)
		if err != nil {
			return nil, slotRecord{}, err
		}
		id, ok := openIdentity(s.Identity, key, s.identityBinding())
		clear(key)
		if !ok {
			continue
		}
		r, err := id.unwrap(s)
		id.zero()
		return r, s, err
	}
	return nil, slotRecord{}, u.wrong()
}
