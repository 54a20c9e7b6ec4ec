// Package dpop signs and verifies DPoP proofs (RFC 9449) and remembers the ones it has accepted.
//
// It guarantees that a proof is accepted at most once, across any number of goroutines, clock changes, restarts
// and kill -9; that it was made by the holder of the key whose thumbprint it reports; and that it was made for this
// method, this URL, this access token and (when the proof says so) this body.
//
// It refuses, before any cryptography, everything that JOSE libraries are known to let through: more than one
// header, JSON serialisation, padded or non-canonical base64url, duplicate member names, critical header
// extensions, private or symmetric keys in jwk, algorithms that do not belong to the key, keys of the wrong size
// and points that are not on the curve.
//
// One implementation serves both sides: the gateway verifies with [Verifier], an app signs with [Key].
package dpop

import "time"

// The signature algorithms that are understood. EdDSA and Ed25519 are two names for the same signature
// (RFC 8037 and RFC 9864); current JavaScript clients send the second.
const (
	ES256   = "ES256"
	EdDSA   = "EdDSA"
	Ed25519 = "Ed25519"
	PS256   = "PS256"
)

// Algorithms is the list as a WWW-Authenticate challenge states it (RFC 9449 section 7.1).
const Algorithms = "ES256 EdDSA Ed25519 PS256"

// Bounds on a proof.
const (
	MaxProofBytes = 8 << 10          // length of the DPoP header's value
	MaxAge        = 60 * time.Second // how far iat may lie before now
	MaxAhead      = 15 * time.Second // how far iat may lie after now
)

// proofType is the only typ a proof may have (RFC 9449 section 4.2).
const proofType = "dpop+jwt"
