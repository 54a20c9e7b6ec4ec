package dpop

import (
	"crypto/sha256"
	"errors"
	"time"
)

// Request is what a proof is checked against.
type Request struct {
	Headers     []string                          // required; all values of the DPoP header. Anything but one is refused
	Method      string                            // required; the request's method, compared case-sensitively
	URL         string                            // required; the configured public origin and the request's path, never Host or X-Forwarded-*
	AccessToken string                            // the token the request carries; "" for none, then ath is not looked at
	TokenHash   string                            // TokenHash(AccessToken), when the caller has it at hand; "" works it out
	Thumbprint  string                            // the cnf.jkt the key must have; "" for any
	BodySum     func() ([sha256.Size]byte, error) // SHA-256 of the body; called only when the proof carries bh. Without it such a proof is refused
}

// Proof is what a proof said.
type Proof struct {
	Thumbprint string // of the key that signed it, RFC 7638, base64url
	JTI        string
	BodyHash   string // bh, which Verify and Accept compare with the body; "" when the proof is not bound to it
	Nonce      string // the server nonce it carries, unchecked; "" for none
	IssuedAt   time.Time
	JWK        []byte // the public key; do not modify
}

// VerifierConfig configures a Verifier.
type VerifierConfig struct {
	Clock  func() time.Time // default time.Now
	Replay *Replay          // required
}

// Verifier checks proofs. It is safe for concurrent use.
type Verifier struct {
	clock   func() time.Time
	replay  *Replay
	headers headerCache
}

// NewVerifier makes a Verifier.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	if config.Replay == nil {
		return nil, errors.New("dpop: VerifierConfig.Replay is required")
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Verifier{clock: config.Clock, replay: config.Replay}, nil
}

// Verify checks the proof of one request and remembers it: Check, then Accept, with the key that the request names in
// between. All refusals of the proof match ErrInvalidProof; a replay also matches ErrReplayed. ErrReplayFull says
// nothing about the proof. An error of BodySum is returned wrapped.
func (v *Verifier) Verify(request Request) (Proof, error) {
	proof, err := v.Check(request)
	if err != nil {
		return Proof{}, err
	}
	if request.Thumbprint != "" && !equal(proof.Thumbprint, request.Thumbprint) {
		return Proof{}, invalid("signed by another key than the token's")
	}
	if err := v.Accept(proof, request.BodySum); err != nil {
		return Proof{}, err
	}
	return proof, nil
}
