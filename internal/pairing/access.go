package pairing

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// AccessTokenLife is how long an access token is good.
const AccessTokenLife = 5 * time.Minute

const maxAccessTokenBytes = 2 << 10

// signer signs access tokens and verifies its own. Tokens are JWTs (RFC 9068)
// that name a session and carry no policy:
//
//	header  {"alg":"EdDSA","kid":…,"typ":"at+jwt"}
//	claims  iss, aud, sub, client_id, sid, jti, iat, exp, cnf.jkt
type signer struct {
	issuer string
	key    jwk.Key // private, with kid
	public ed25519.PublicKey
	// header is the encoded header of every token. A token with any other is
	// refused before it is read further, which leaves nothing to choose: no
	// other alg, typ, kid, no crit, no jwk.
	header string
	jwks   []byte
	tokens tokenCache
}

// claims of an access token, all required.
type claims struct {
	Issuer    string       `json:"iss"`
	Audience  string       `json:"aud"`
	Subject   string       `json:"sub"`
	ClientID  string       `json:"client_id"`
	SessionID string       `json:"sid"`
	ID        string       `json:"jti"`
	IssuedAt  int64        `json:"iat"`
	ExpiresAt int64        `json:"exp"`
	Confirm   confirmation `json:"cnf"`
}

type confirmation struct {
	Thumbprint string `json:"jkt"` // RFC 9449 section 6.1
}

func newSigner(issuer string, seed []byte) (*signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("reading the signing key: wrong length")
	}
	private := ed25519.NewKeyFromSeed(seed)
	s := &signer{issuer: issuer, public: private.Public().(ed25519.PublicKey)}
	var err error
	if s.key, err = jwk.FromRaw(private); err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	if err := jwk.AssignKeyID(s.key); err != nil { // the thumbprint
		return nil, fmt.Errorf("naming the signing key: %w", err)
	}
	probe, err := s.signClaims(claims{})
	if err != nil {
		return nil, err
	}
	s.header, _, _ = strings.Cut(probe, ".")
	s.jwks, err = publicSet(s.key)
	return s, err
}

func publicSet(private jwk.Key) ([]byte, error) {
	public, err := private.PublicKey()
	if err != nil {
		return nil, err
	}
	err = errors.Join(public.Set(jwk.AlgorithmKey, jwa.EdDSA), public.Set(jwk.KeyUsageKey, jwk.ForSignature))
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"keys": []any{public}}, json.Deterministic(true))
}

// sign makes the access token with that id for a session.
func (s *signer) sign(id string, session Session, now time.Time) (string, error) {
	return s.signClaims(claims{
		Issuer: s.issuer, Audience: s.issuer, Subject: session.AppID, ClientID: session.AppID,
		SessionID: session.ID, ID: id, IssuedAt: now.Unix(), ExpiresAt: now.Add(AccessTokenLife).Unix(),
		Confirm: confirmation{Thumbprint: session.Thumbprint},
	})
}

func (s *signer) signClaims(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "at+jwt"); err != nil {
		return "", err
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.EdDSA, s.key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return string(token), nil
}

// verify returns the claims of a token signed here that has not expired.
// Errors: ErrInvalidToken.
func (s *signer) verify(token string, now time.Time) (*claims, error) {
	return s.current(token, s.tokens.get(token), now)
}

// current is verify for a token of which the cache has been asked.
func (s *signer) current(token string, known *knownToken, now time.Time) (*claims, error) {
	if known == nil {
		c, err := s.open(token)
		if err != nil {
			return nil, err
		}
		known = &knownToken{claims: c, hash: dpop.TokenHash(token)}
		s.tokens.put(token, known)
	}
	if now.Unix() >= known.claims.ExpiresAt {
		return nil, fmt.Errorf("%w: expired", ErrInvalidToken)
	}
	return &known.claims, nil
}

// open returns the claims of a token signed here, expired or not. It reads
// the claims also when the signature does not hold, so that one refusal takes
// as long as another.
func (s *signer) open(token string) (c claims, err error) {
	if len(token) > maxAccessTokenBytes {
		return c, fmt.Errorf("%w: too long", ErrInvalidToken)
	}
	signed := token[:max(strings.LastIndexByte(token, '.'), 0)]
	payload, ours := strings.CutPrefix(signed, s.header)
	if ours {
		payload, ours = strings.CutPrefix(payload, ".")
	}
	if !ours {
		return c, fmt.Errorf("%w: not one of ours", ErrInvalidToken)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(token[len(signed)+1:])
	holds := err == nil && ed25519.Verify(s.public, []byte(signed), signature)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(raw, &c, json.RejectUnknownMembers(true))
	}
	switch {
	case !holds:
		return claims{}, fmt.Errorf("%w: signature", ErrInvalidToken)
	case err != nil:
		return claims{}, fmt.Errorf("%w: claims", ErrInvalidToken)
	case c.Issuer != s.issuer || c.Audience != s.issuer:
		return claims{}, fmt.Errorf("%w: made for another public URL", ErrInvalidToken)
	case c.SessionID == "" || c.ClientID == "" || c.Confirm.Thumbprint == "":
		return claims{}, fmt.Errorf("%w: incomplete", ErrInvalidToken)
	}
	return c, nil
}
