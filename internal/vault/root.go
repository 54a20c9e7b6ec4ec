package vault

import (
	"bytes"
	"crypto/hmac"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// root is the unwrapped root key.
type root struct {
	version int64 // from 1; one more at each rotation
	keys    *keyset.Handle
	seal    tink.AEAD
}

// newRoot makes a root keyset of one XChaCha20-Poly1305 key, whose 192-bit
// nonces may be drawn at random without counting.
func newRoot(version int64) (*root, error) {
	keys, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	return rootOf(keys, version)
}

func rootOf(keys *keyset.Handle, version int64) (*root, error) {
	seal, err := aead.New(keys)
	if err != nil {
		return nil, err
	}
	return &root{version: version, keys: keys, seal: seal}, nil
}

// wrapFor puts the root key into a slot record, for the identity whose public
// key the record has.
func (r *root) wrapFor(record *slotRecord, pin []byte) error {
	record.RootVersion = r.version
	inner, err := subtle.NewXChaCha20Poly1305(pin)
	if err != nil {
		return err
	}
	var keys bytes.Buffer
	if err := r.keys.WriteWithAssociatedData(keyset.NewBinaryWriter(&keys), inner, record.rootBinding()); err != nil {
		return fmt.Errorf("wrapping root key: %w", err)
	}
	if record.Root, err = sealTo(record.Public, record.rootBinding(), keys.Bytes()); err != nil {
		return fmt.Errorf("wrapping root key: %w", err)
	}
	if record.Pin, err = r.seal.Encrypt(pin, record.pinBinding()); err != nil {
		return fmt.Errorf("wrapping root key: %w", err)
	}
	return nil
}

// unwrap takes the root key out of a slot. Error: ErrDamaged when the record
// was altered.
func (i identity) unwrap(record slotRecord) (*root, error) {
	damaged := fmt.Errorf("%w: key slot %s holds another root key", ErrDamaged, record.ID)
	wrapped, err := i.open(record.Root, record.rootBinding())
	if err != nil {
		return nil, damaged
	}
	inner, err := subtle.NewXChaCha20Poly1305(i.pin)
	if err != nil {
		return nil, err
	}
	keys, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), inner, record.rootBinding())
	if err != nil {
		return nil, damaged
	}
	r, err := rootOf(keys, record.RootVersion)
	if err != nil {
		return nil, damaged
	}
	pin, err := r.pinOf(record)
	if err != nil || !hmac.Equal(pin, i.pin) {
		return nil, damaged
	}
	clear(pin)
	return r, nil
}

// pinOf vouches for a slot: nobody without the root key made it.
func (r *root) pinOf(record slotRecord) ([]byte, error) {
	pin, err := r.seal.Decrypt(record.Pin, record.pinBinding())
	if err != nil || record.RootVersion != r.version {
		return nil, fmt.Errorf("%w: key slot %s was not made by this vault: remove it", ErrDamaged, record.ID)
	}
	return pin, nil
}
