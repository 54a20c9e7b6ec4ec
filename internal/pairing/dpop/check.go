package dpop

import "crypto/sha256"

// Check checks everything about a proof that can be known without its body and without what was accepted before, in the
// order of RFC 9449 section 4.3. It remembers nothing: call Accept before acting on the request. Request.Thumbprint and
// Request.BodySum are not looked at. Refusals match ErrInvalidProof.
//
// It is for callers that must treat a proof alike whatever the state of the token that comes with it.
func (v *Verifier) Check(request Request) (Proof, error) {
	parts, err := cut(request.Headers)
	if err != nil {
		return Proof{}, err
	}
	head, claims, err := v.open(parts)
	if err != nil {
		return Proof{}, err
	}
	if err := claims.check(request, v.clock()); err != nil {
		return Proof{}, err
	}
	return Proof{
		Thumbprint: head.thumbprint, JTI: claims.JTI, BodyHash: claims.bodyHash(), Nonce: claims.Nonce,
		IssuedAt: claims.issuedAt, JWK: head.public,
	}, nil
}

// Accept is what is left to do after Check: the body, if the proof is bound to it, and then the replay memory. That is
// last because a proof that fails anything else must not be remembered, or anybody could fill the memory. Errors as
// those of Verify.
func (v *Verifier) Accept(proof Proof, bodySum func() ([sha256.Size]byte, error)) error {
	if err := checkBody(proof.BodyHash, bodySum); err != nil {
		return err
	}
	return v.replay.accept(proof.Thumbprint, proof.JTI, proof.IssuedAt)
}

// open reads both parts of a proof and checks the signature that holds them together.
func (v *Verifier) open(parts compact) (*header, *payload, error) {
	head, cached := v.headers.get(parts.header), true
	if head == nil {
		var err error
		if head, err = decodeHeader(parts.header); err != nil {
			return nil, nil, err
		}
		cached = false
	}
	claims, err := parsePayload(parts.payload)
	if err != nil {
		return nil, nil, err
	}
	signature, err := decode(parts.signature)
	if err != nil {
		return nil, nil, err
	}
	if !head.verify([]byte(parts.signed), signature) {
		return nil, nil, invalid("signature does not hold")
	}
	if !cached {
		v.headers.put(parts.header, head)
	}
	return head, claims, nil
}
