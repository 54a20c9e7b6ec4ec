package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Claims is what a proof is to say. The jti is made fresh for each proof.
type Claims struct {
	Method      string // required; htm, as it goes on the wire
	URL         string // required; absolute. Its query and fragment are left out of htu
	AccessToken string // "" for none; becomes ath
	BodyHash    string // base64url(SHA-256(body)), see BodyHash; "" leaves bh out
	Nonce       string // the server's nonce (RFC 9449 section 8); "" leaves it out
}

// proofClaims is the payload as it is written.
type proofClaims struct {
	JTI   string `json:"jti"`
	HTM   string `json:"htm"`
	HTU   string `json:"htu"`
	IAT   int64  `json:"iat"`
	ATH   string `json:"ath,omitempty"`
	BH    string `json:"bh,omitempty"`
	Nonce string `json:"nonce,omitempty"`
}

// Sign makes a proof, dated now. Each proof may be used once: sign again for each attempt.
func (k *Key) Sign(claims Claims, now time.Time) (string, error) {
	var id [16]byte
	if _, err := io.ReadFull(k.rand, id[:]); err != nil {
		return "", fmt.Errorf("making a jti: %w", err)
	}
	htu, _, _ := strings.Cut(claims.URL, "#")
	htu, _, _ = strings.Cut(htu, "?")
	payload := proofClaims{
		JTI: base64.RawURLEncoding.EncodeToString(id[:]),
		HTM: claims.Method, HTU: htu, IAT: now.Unix(),
		BH: claims.BodyHash, Nonce: claims.Nonce,
	}
	if claims.AccessToken != "" {
		payload.ATH = TokenHash(claims.AccessToken)
	}
	data, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("writing the claims: %w", err)
	}
	signed := k.header + "." + base64.RawURLEncoding.EncodeToString(data)
	signature, err := k.signature([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// signature signs a message in the form that JWS wants (RFC 7518 sections 3.4 and 3.5, RFC 8037 section 3.1).
func (k *Key) signature(message []byte) ([]byte, error) {
	switch signer := k.signer.(type) {
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, signer, sum[:])
		if err != nil {
			return nil, err
		}
		fixed := make([]byte, 64)
		r.FillBytes(fixed[:32])
		s.FillBytes(fixed[32:])
		return fixed, nil
	case *rsa.PrivateKey:
		sum := sha256.Sum256(message)
		return rsa.SignPSS(rand.Reader, signer, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return k.signer.Sign(rand.Reader, message, crypto.Hash(0))
}

// BodyHash is the value of a proof's bh for a body: base64url(SHA-256(body)).
func BodyHash(sum [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:]) }

// TokenHash is the value of a proof's ath for a token: base64url(SHA-256(token)) (RFC 9449 section 4.2).
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
