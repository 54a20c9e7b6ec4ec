package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	stdjson "encoding/json"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// header is a proof's checked JOSE header. It never changes once made, so it may be shared.
type header struct {
	alg        string
	key        crypto.PublicKey // *ecdsa.PublicKey, ed25519.PublicKey or *rsa.PublicKey
	thumbprint string
	public     []byte // the key as a JWK with nothing but the members it needs
}

// headerMembers is the header as it stands. The decoder refuses duplicate names, invalid UTF-8, trailing data and
// wrong types; a null leaves a pointer nil, which counts as missing. Unknown members carry no meaning unless crit
// names them (RFC 7515 section 4), and crit is refused.
type headerMembers struct {
	Typ  *string        `json:"typ"`
	Alg  *string        `json:"alg"`
	Crit jsontext.Value `json:"crit"`
	JWK  jsontext.Value `json:"jwk"`
}

func decodeHeader(segment string) (*header, error) {
	data, err := decode(segment)
	if err != nil {
		return nil, err
	}
	return parseHeader(data)
}

func parseHeader(data []byte) (*header, error) {
	var members headerMembers
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, invalid("header: %v", err)
	}
	switch {
	case members.Typ == nil || *members.Typ != proofType:
		return nil, invalid("typ is not %s", proofType)
	case members.Alg == nil:
		return nil, invalid("no alg")
	case members.Crit != nil:
		return nil, invalid("crit: no extension is understood")
	case members.JWK == nil:
		return nil, invalid("no jwk")
	}
	key, err := parseJWK(members.JWK, *members.Alg)
	if err != nil {
		return nil, err
	}
	return describe(*members.Alg, key)
}

// describe adds what callers want to know of a key.
func describe(alg string, key crypto.PublicKey) (*header, error) {
	public, err := jwk.FromRaw(key)
	if err != nil {
		return nil, invalid("jwk: %v", err)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, invalid("jwk: %v", err)
	}
	data, err := stdjson.Marshal(public)
	if err != nil {
		return nil, invalid("jwk: %v", err)
	}
	return &header{alg: alg, key: key, thumbprint: base64.RawURLEncoding.EncodeToString(sum), public: data}, nil
}

// verify checks the signature over signed. The algorithm follows from the key, which parseJWK has matched with alg.
func (h *header) verify(signed, signature []byte) bool {
	switch key := h.key.(type) {
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, signed, signature)
	case *ecdsa.PublicKey:
		if len(signature) != 2*p256Bytes { // RFC 7518 section 3.4: r and s, each of full length
			return false
		}
		sum := sha256.Sum256(signed)
		r := new(big.Int).SetBytes(signature[:p256Bytes])
		s := new(big.Int).SetBytes(signature[p256Bytes:])
		return ecdsa.Verify(key, sum[:], r, s)
	case *rsa.PublicKey:
		sum := sha256.Sum256(signed)
		options := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash} // RFC 7518 section 3.5
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, &options) == nil
	}
	return false
}
