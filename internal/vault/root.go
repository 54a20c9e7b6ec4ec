package vault

import (
	"bytes"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// newRoot makes a root keyset of one XChaCha20-Poly1305 key, whose 192-bit
// nonces may be drawn at random without counting.
func newRoot() (*root, error) {
	keys, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	return rootOf(keys)
}

func rootOf(keys *keyset.Handle) (*root, error) {
	seal, err := aead.New(keys)
	if err != nil {
		return nil, err
	}
	return &root{keys: keys, seal: seal}, nil
}

// wrap encrypts the root keyset under a slot key of 32 bytes.
func (r *root) wrap(slotKey, binding []byte) ([]byte, error) {
	under, err := subtle.NewXChaCha20Poly1305(slotKey)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := r.keys.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), under, binding); err != nil {
		return nil, fmt.Errorf("wrapping root key: %w", err)
	}
	return out.Bytes(), nil
}

// unwrap reports false when the key is not the slot's or the slot was altered;
// the two cannot be told apart.
func unwrap(wrapped, slotKey, binding []byte) (*root, bool) {
	under, err := subtle.NewXChaCha20Poly1305(slotKey)
	if err != nil {
		return nil, false
	}
	keys, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), under, binding)
	if err != nil {
		return nil, false
	}
	r, err := rootOf(keys)
	return r, err == nil
}
