package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// TestKeysOfTheWrongKind covers what depends on the key: alg against type and curve, sizes, spelling.
func TestKeysOfTheWrongKind(t *testing.T) {
	t.Parallel()
	ec, okp, psk := newTestKey(t, ES256), newTestKey(t, Ed25519), newTestKey(t, PS256)
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for _, row := range []struct {
		name string
		key  *Key
		bad  func(*forgery)
	}{
		{"Ed25519 with a P-256 key", ec, headerMember("alg", Ed25519)},
		{"PS256 with a P-256 key", ec, headerMember("alg", PS256)},
		{"ES256 with an Ed25519 key", okp, headerMember("alg", ES256)},
		{"EdDSA with an RSA key", psk, headerMember("alg", EdDSA)},
		{"RS256 with an RSA key", psk, headerMember("alg", "RS256")},
		{"P-384 named", ec, keyMember("crv", "P-384")},
		{"secp256k1 named", ec, keyMember("crv", "secp256k1")},
		{"no curve", ec, keyMember("crv", nil)},
		{"X25519 named", okp, keyMember("crv", "X25519")},
		{"Ed448 named", okp, keyMember("crv", "Ed448")},
		{"x and y zero", ec, func(f *forgery) { f.jwk()["x"], f.jwk()["y"] = zeros, zeros }},
		{"point not on the curve", ec, func(f *forgery) { f.jwk()["y"] = f.jwk()["x"] }},
		{"y missing", ec, keyMember("y", nil)},
		{"x short", ec, keyMember("x", base64.RawURLEncoding.EncodeToString(make([]byte, 31)))},
		{"x with a leading zero", ec, func(f *forgery) { f.jwk()["x"] = longer(f.jwk()["x"]) }},
		{"x padded", okp, func(f *forgery) { f.jwk()["x"] = f.jwk()["x"].(string) + "=" }},
		{"x with stray bits", okp, func(f *forgery) { f.jwk()["x"] = strayBits(f.jwk()["x"].(string)) }},
		{"x a number", okp, keyMember("x", 5)},
		{"x short Ed25519", okp, keyMember("x", "AAAA")},
		{"x missing", okp, keyMember("x", nil)},
		{"n with a leading zero", psk, func(f *forgery) { f.jwk()["n"] = longer(f.jwk()["n"]) }},
		{"n missing", psk, keyMember("n", nil)},
		{"n even", psk, func(f *forgery) { f.jwk()["n"] = even(f.jwk()["n"].(string)) }},
		{"e missing", psk, keyMember("e", nil)},
		{"e one", psk, keyMember("e", "AQ")},
		{"e even", psk, keyMember("e", "AQAA")},
		{"e immense", psk, keyMember("e", base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 9)))},
	} {
		f := forge(t, row.key)
		row.bad(f)
		request := testRequest(row.key, f.String())
		request.Thumbprint = "" // it is the key that must be refused
		if _, err := newTestVerifier(t).Verify(request); !errors.Is(err, ErrInvalidProof) || strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: %v, want a refusal before the signature", row.name, err)
		}
	}
}

func TestRSASizes(t *testing.T) {
	t.Parallel()
	for bits, want := range map[int]bool{1024: false, 2047: false, 2048: true, 3072: true, 4096: true, 4104: false, 8192: false} {
		modulus := bytes.Repeat([]byte{0xff}, (bits+7)/8) // the size is looked at before anything else could be
		modulus[0] >>= (8 - bits%8) % 8
		_, err := parseJWK([]byte(written(edit{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(modulus)})), PS256)
		if (err == nil) != want {
			t.Errorf("%d bits: %v, want accepted %v", bits, err, want)
		}
	}
}

func decoded(t any) []byte { data, _ := base64.RawURLEncoding.DecodeString(t.(string)); return data }

func longer(value any) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{0}, decoded(value)...))
}

func even(value string) string {
	data := decoded(value)
	data[len(data)-1] &^= 1
	return base64.RawURLEncoding.EncodeToString(data)
}

// strayBits sets bits in the last character that stand for nothing: another spelling of the same bytes.
func strayBits(value string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, value[len(value)-1])
	return value[:len(value)-1] + string(alphabet[last|1])
}

// TestSignatureForms: an ES256 signature has one form in a JWS, and it is not ASN.1.
func TestSignatureForms(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, ES256), newTestVerifier(t)
	proof := forge(t, key).String()
	signed := proof[:strings.LastIndex(proof, ".")]
	sum := sha256.Sum256([]byte(signed))
	der, err := ecdsa.SignASN1(rand.Reader, key.signer.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	fixed := decoded(proof[len(signed)+1:])
	for name, signature := range map[string][]byte{
		"ASN.1": der, "zeros": make([]byte, 64), "cut": fixed[:63], "longer": append(bytes.Clone(fixed), 0), "empty r": append(make([]byte, 32), fixed[32:]...),
	} {
		forged := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
		if _, err := verifier.Verify(testRequest(key, forged)); !errors.Is(err, ErrInvalidProof) {
			t.Errorf("%s: %v, want ErrInvalidProof", name, err)
		}
	}
}

// TestPSSOnly: the same RSA key must not vouch with the older padding.
func TestPSSOnly(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, PS256), newTestVerifier(t)
	proof := forge(t, key).String()
	signed := proof[:strings.LastIndex(proof, ".")]
	sum := sha256.Sum256([]byte(signed))
	for name, sign := range map[string]func() ([]byte, error){
		"PKCS 1 v1.5": func() ([]byte, error) { return rsa.SignPKCS1v15(nil, key.signer.(*rsa.PrivateKey), 5, sum[:]) },
		"PSS with another salt": func() ([]byte, error) {
			return rsa.SignPSS(rand.Reader, key.signer.(*rsa.PrivateKey), 5, sum[:], &rsa.PSSOptions{SaltLength: 20})
		},
	} {
		signature, err := sign()
		if err != nil {
			t.Fatal(err)
		}
		forged := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
		if _, err := verifier.Verify(testRequest(key, forged)); !errors.Is(err, ErrInvalidProof) {
			t.Errorf("%s: %v, want ErrInvalidProof", name, err)
		}
	}
}

func TestAnotherCurve(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newKey(ES256, key, rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("P-384 key: %v, want ErrKey", err)
	}
	if _, err := GenerateKey("HS256", nil); !errors.Is(err, ErrKey) {
		t.Errorf("HS256: %v, want ErrKey", err)
	}
}
