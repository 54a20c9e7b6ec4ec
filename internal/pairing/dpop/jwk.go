package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on keys. RSA below 2048 bits is weak; above 4096 a forged proof costs the gateway more than its sender.
const (
	minRSABits     = 2048
	maxRSABits     = 4096
	maxRSAExponent = 1<<31 - 1
	p256Bytes      = 32
)

// jwkMembers is the jwk of a proof: the public members of the three key types, and all that would make it private or
// symmetric (RFC 7518 section 6, RFC 8037 section 2, and priv of newer key types).
type jwkMembers struct {
	Kty *string `json:"kty"`
	Crv *string `json:"crv"`
	X   *string `json:"x"`
	Y   *string `json:"y"`
	N   *string `json:"n"`
	E   *string `json:"e"`
	Alg *string `json:"alg"`

	D    jsontext.Value `json:"d"`
	P    jsontext.Value `json:"p"`
	Q    jsontext.Value `json:"q"`
	DP   jsontext.Value `json:"dp"`
	DQ   jsontext.Value `json:"dq"`
	QI   jsontext.Value `json:"qi"`
	Oth  jsontext.Value `json:"oth"`
	K    jsontext.Value `json:"k"`
	Priv jsontext.Value `json:"priv"`
}

func (m *jwkMembers) private() bool {
	for _, value := range []jsontext.Value{m.D, m.P, m.Q, m.DP, m.DQ, m.QI, m.Oth, m.K, m.Priv} {
		if value != nil {
			return true
		}
	}
	return false
}

// parseJWK gives the public key, which must be of the one type that alg signs with. Each key has exactly one
// accepted spelling, so that one key cannot have two thumbprints.
func parseJWK(data []byte, alg string) (crypto.PublicKey, error) {
	if jsontext.Value(data).Kind() != '{' {
		return nil, invalid("jwk is not an object")
	}
	var members jwkMembers
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, invalid("jwk: %v", err)
	}
	switch {
	case members.private():
		return nil, invalid("jwk carries private members")
	case members.Alg != nil && !sameAlgorithm(*members.Alg, alg):
		return nil, invalid("jwk is for another alg")
	}
	switch alg {
	case ES256:
		return members.p256()
	case EdDSA, Ed25519:
		return members.ed25519()
	case PS256:
		return members.rsa()
	}
	return nil, invalid("alg is none of %s", Algorithms) // none and HS256 end here too
}

func sameAlgorithm(a, b string) bool {
	return a == b || (a == EdDSA || a == Ed25519) && (b == EdDSA || b == Ed25519)
}

func (m *jwkMembers) p256() (crypto.PublicKey, error) {
	if !is(m.Kty, "EC") || !is(m.Crv, "P-256") {
		return nil, invalid("jwk is not a P-256 key")
	}
	x, err := member("x", m.X, p256Bytes)
	if err != nil {
		return nil, err
	}
	y, err := member("y", m.Y, p256Bytes)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, invalid("jwk is not a point on P-256")
	}
	return key, nil
}

func (m *jwkMembers) ed25519() (crypto.PublicKey, error) {
	if !is(m.Kty, "OKP") || !is(m.Crv, "Ed25519") {
		return nil, invalid("jwk is not an Ed25519 key")
	}
	x, err := member("x", m.X, ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(x), nil
}

func (m *jwkMembers) rsa() (crypto.PublicKey, error) {
	if !is(m.Kty, "RSA") {
		return nil, invalid("jwk is not an RSA key")
	}
	n, err := integer("n", m.N)
	if err != nil {
		return nil, err
	}
	e, err := integer("e", m.E)
	if err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits || n.Bit(0) == 0 {
		return nil, invalid("RSA key of %d bits, want %d to %d", bits, minRSABits, maxRSABits)
	}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > maxRSAExponent || e.Bit(0) == 0 {
		return nil, invalid("RSA exponent out of range")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func is(value *string, want string) bool { return value != nil && *value == want }

// member decodes a member of exactly size bytes.
func member(name string, value *string, size int) ([]byte, error) {
	if value == nil {
		return nil, invalid("jwk has no %s", name)
	}
	data, err := decode(*value)
	if err != nil || len(data) != size {
		return nil, invalid("jwk: %s is not %d bytes of base64url", name, size)
	}
	return data, nil
}

// integer decodes a Base64urlUInt, which has no leading zero (RFC 7518 section 2).
func integer(name string, value *string) (*big.Int, error) {
	if value == nil {
		return nil, invalid("jwk has no %s", name)
	}
	data, err := decode(*value)
	if err != nil || data[0] == 0 {
		return nil, invalid("jwk: %s is not a canonical integer", name)
	}
	return new(big.Int).SetBytes(data), nil
}
