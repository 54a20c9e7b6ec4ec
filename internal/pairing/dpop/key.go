package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Key is an app's private key. It is safe for concurrent use. Printing, logging or marshalling a Key shows its
// thumbprint and nothing else; only [Key.MarshalJWK] gives the private part away.
type Key struct {
	alg        string
	signer     crypto.Signer
	public     json.RawMessage // public JWK, as it goes into each proof
	thumbprint string
	header     string // the encoded proof header, the same in each proof
	rand       io.Reader
}

// GenerateKey makes a key for alg: one of ES256, EdDSA, Ed25519, PS256 (2048 bits). A nil random is crypto/rand.
// Another alg is ErrKey.
func GenerateKey(alg string, random io.Reader) (*Key, error) {
	if random == nil {
		random = rand.Reader
	}
	signer, err := generate(alg, random)
	if err != nil {
		return nil, err
	}
	return newKey(alg, signer, random)
}

func generate(alg string, random io.Reader) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), random)
	case EdDSA, Ed25519:
		_, key, err := ed25519.GenerateKey(random)
		return key, err
	case PS256:
		return rsa.GenerateKey(random, minRSABits)
	}
	return nil, fmt.Errorf("%w: algorithm %q is not one of %s", ErrKey, alg, Algorithms)
}

// ParseKey reads a private JWK, as MarshalJWK writes it. Its alg decides how the key signs; without one, P-256 keys
// sign ES256, Ed25519 keys EdDSA and RSA keys PS256. All refusals match ErrKey and never quote the key.
func ParseKey(data []byte) (*Key, error) {
	var named struct {
		Alg string `json:"alg"`
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return nil, fmt.Errorf("%w: not a JWK", ErrKey)
	}
	parsed, err := jwk.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("%w: not a JWK", ErrKey)
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, fmt.Errorf("%w: not a JWK", ErrKey)
	}
	signer, natural, err := privateKey(raw)
	if err != nil {
		return nil, err
	}
	if named.Alg == "" {
		named.Alg = natural
	}
	key, err := newKey(named.Alg, signer, rand.Reader)
	if err != nil {
		return nil, err
	}
	return key, key.selfCheck()
}

// privateKey gives the signing key and the algorithm it signs with when nothing else is said.
func privateKey(raw any) (crypto.Signer, string, error) {
	switch key := raw.(type) {
	case *ecdsa.PrivateKey:
		return key, ES256, nil
	case ed25519.PrivateKey:
		return key, EdDSA, nil
	case *rsa.PrivateKey:
		return key, PS256, nil
	}
	return nil, "", fmt.Errorf("%w: neither a P-256, an Ed25519 nor an RSA private key", ErrKey)
}

func newKey(alg string, signer crypto.Signer, random io.Reader) (*Key, error) {
	public, err := jwk.FromRaw(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	data, err := json.Marshal(public)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	header, err := json.Marshal(map[string]any{"typ": proofType, "alg": alg, "jwk": json.RawMessage(data)})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	// What this package would refuse from others it does not sign with either.
	checked, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	return &Key{
		alg: alg, signer: signer, public: data, thumbprint: checked.thumbprint,
		header: base64.RawURLEncoding.EncodeToString(header), rand: random,
	}, nil
}

// selfCheck finds keys whose private and public halves do not belong together.
func (k *Key) selfCheck() error {
	message := []byte("self-check")
	signature, err := k.signature(message)
	if err != nil {
		return fmt.Errorf("%w: does not sign", ErrKey)
	}
	header, err := decodeHeader(k.header)
	if err != nil || !header.verify(message, signature) {
		return fmt.Errorf("%w: private and public parts do not belong together", ErrKey)
	}
	return nil
}

// MarshalJWK gives the private key as a JWK with its alg. It is a secret: store it 0600.
func (k *Key) MarshalJWK() ([]byte, error) {
	private, err := jwk.FromRaw(k.signer)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	if err := private.Set(jwk.AlgorithmKey, k.alg); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	return json.Marshal(private)
}

// PublicJWK gives the public key as a JWK.
func (k *Key) PublicJWK() []byte { return append([]byte(nil), k.public...) }

// Thumbprint is the RFC 7638 SHA-256 thumbprint, base64url: what a token's cnf.jkt holds.
func (k *Key) Thumbprint() string { return k.thumbprint }

// Algorithm is the alg that the key's proofs state.
func (k *Key) Algorithm() string { return k.alg }

// String shows the thumbprint only.
func (k *Key) String() string { return "dpop.Key(" + k.thumbprint + ")" }

// GoString shows the thumbprint only.
func (k *Key) GoString() string { return k.String() }

// LogValue shows the thumbprint only.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows the thumbprint only, so that a Key inside a struct that is written as JSON gives nothing away.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
