package vault

import (
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

const (
	privateBytes = 32
	publicBytes  = 32
	pinBytes     = 32
)

// identity is what a slot key unseals: a key pair to which the root key is
// sealed (RFC 9180), and a pin that only holders of the slot or of the present
// root key know.
//
// With the public key a new root key can be wrapped for every slot without
// anybody typing anything; whoever holds an old root key, or a slot that was
// removed, learns nothing from that. The pin is the inner layer: without it,
// whoever can write records could wrap a root key of their own choice.
type identity struct {
	private hpke.PrivateKey
	pin     []byte
}

func newIdentity(random func(n int) ([]byte, error)) (identity, error) {
	private, err := suite().GenerateKey()
	if err != nil {
		return identity{}, fmt.Errorf("making slot identity: %w", err)
	}
	pin, err := random(pinBytes)
	return identity{private: private, pin: pin}, err
}

func suite() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

func (i identity) public() []byte { return i.private.PublicKey().Bytes() }

func (i identity) zero() { clear(i.pin) }

// seal encrypts the identity under a slot key of 32 bytes.
func (i identity) seal(slotKey, binding []byte) ([]byte, error) {
	under, err := subtle.NewXChaCha20Poly1305(slotKey)
	if err != nil {
		return nil, err
	}
	plain, err := i.private.Bytes()
	if err != nil {
		return nil, err
	}
	plain = append(plain[:len(plain):len(plain)], i.pin...)
	defer clear(plain)
	return under.Encrypt(plain, binding)
}

// openIdentity reports false when the key is not the slot's or the slot was
// altered; the two cannot be told apart.
func openIdentity(sealed, slotKey, binding []byte) (identity, bool) {
	under, err := subtle.NewXChaCha20Poly1305(slotKey)
	if err != nil {
		return identity{}, false
	}
	plain, err := under.Decrypt(sealed, binding)
	if err != nil || len(plain) != privateBytes+pinBytes {
		return identity{}, false
	}
	private, err := suite().NewPrivateKey(plain[:privateBytes])
	clear(plain[:privateBytes])
	return identity{private: private, pin: plain[privateBytes:]}, err == nil
}

func sealTo(public, binding, plain []byte) ([]byte, error) {
	to, err := suite().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), binding, plain)
}

func (i identity) open(sealed, binding []byte) ([]byte, error) {
	return hpke.Open(i.private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), binding, sealed)
}
