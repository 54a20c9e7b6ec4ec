package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProofs(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		key := newTestKey(t, alg)
		verifier := newTestVerifier(t)
		for i, row := range proofCases {
			t.Run(alg+"/"+row.name, func(t *testing.T) {
				f := forge(t, key)
				if f.claims["jti"] != nil {
					f.claims["jti"] = fmt.Sprint("row ", i)
				}
				if row.proof != nil {
					row.proof(f)
				}
				request := testRequest(key, f.String())
				if row.sent != nil {
					row.sent(&request)
				}
				proof, err := verifier.Verify(request)
				switch {
				case row.ok && err != nil:
					t.Errorf("refused: %v", err)
				case row.ok && (proof.Thumbprint != key.Thumbprint() || proof.JTI != f.claims["jti"] || proof.IssuedAt.Unix() < start.Unix()):
					t.Errorf("proof does not say what it said: %+v", proof)
				case !row.ok && !errors.Is(err, ErrInvalidProof):
					t.Errorf("got %v, want ErrInvalidProof", err)
				case !row.ok && errors.Is(err, ErrReplayed):
					t.Error("refused as a replay, not for what is wrong with it")
				}
			})
		}
	}
}

// TestRefusalsAreNotRemembered: somebody who sends bad proofs must not spoil good ones or fill the memory.
func TestRefusalsAreNotRemembered(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, Ed25519), newTestVerifier(t)
	proof := forge(t, key).String()
	for _, row := range proofCases {
		if row.sent == nil || row.ok {
			continue
		}
		request := testRequest(key, proof)
		row.sent(&request)
		if _, err := verifier.Verify(request); err == nil {
			t.Fatalf("%s: accepted", row.name)
		}
	}
	if n := verifier.replay.Len(); n != 0 {
		t.Errorf("%d refused proofs are remembered", n)
	}
	if _, err := verifier.Verify(testRequest(key, proof)); err != nil {
		t.Errorf("good proof: %v", err)
	}
	if _, err := verifier.Verify(testRequest(key, proof)); !errors.Is(err, ErrReplayed) {
		t.Errorf("same proof again: %v, want ErrReplayed", err)
	}
}

func TestJTIIsPerKey(t *testing.T) {
	t.Parallel()
	verifier := newTestVerifier(t)
	first := newTestKey(t, ES256)
	for _, key := range []*Key{first, newTestKey(t, ES256)} {
		f := forge(t, key)
		if _, err := verifier.Verify(testRequest(key, f.String())); err != nil {
			t.Errorf("a jti is held against another key: %v", err)
		}
	}
	f := forge(t, first)
	f.claims["iat"] = start.Unix() + 101
	if _, err := verifier.Verify(testRequest(first, f.String())); !errors.Is(err, ErrReplayed) {
		t.Errorf("jti used again in another proof: %v, want ErrReplayed", err)
	}
}

func TestBodyHash(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, Ed25519), newTestVerifier(t)
	sum := sha256.Sum256([]byte("the body"))
	broken := errors.New("body broke off")
	for _, row := range []struct {
		name string
		bh   any
		sum  func() ([32]byte, error)
		want error
	}{
		{"equal", BodyHash(sum), func() ([32]byte, error) { return sum, nil }, nil},
		{"not there", nil, func() ([32]byte, error) { t.Error("body read without need"); return sum, nil }, nil},
		{"another body", BodyHash(sum), func() ([32]byte, error) { return [32]byte{}, nil }, ErrInvalidProof},
		{"empty", "", func() ([32]byte, error) { return sum, nil }, ErrInvalidProof},
		{"padded", base64.URLEncoding.EncodeToString(sum[:]), func() ([32]byte, error) { return sum, nil }, ErrInvalidProof},
		{"unreadable body", BodyHash(sum), func() ([32]byte, error) { return sum, broken }, broken},
	} {
		f := forge(t, key)
		f.claims["jti"], f.claims["bh"] = row.name, row.bh
		request := testRequest(key, f.String())
		request.BodySum = row.sum
		proof, err := verifier.Verify(request)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if said, _ := row.bh.(string); err == nil && proof.BodyHash != said {
			t.Errorf("%s: proof says bh %q, want %q", row.name, proof.BodyHash, said)
		}
		if row.want == broken && errors.Is(err, ErrInvalidProof) {
			t.Error("an unreadable body is held against the proof")
		}
	}
}

// TestCachedHeader: a header that is known must not lend its key to another proof.
func TestCachedHeader(t *testing.T) {
	t.Parallel()
	key, other, verifier := newTestKey(t, ES256), newTestKey(t, ES256), newTestVerifier(t)
	for n := range 3 {
		f := forge(t, key)
		f.claims["jti"] = fmt.Sprint(n)
		if _, err := verifier.Verify(testRequest(key, f.String())); err != nil {
			t.Fatal(err)
		}
	}
	f := forge(t, key)
	f.key = other // the header names key, other signs
	if _, err := verifier.Verify(testRequest(key, f.String())); !errors.Is(err, ErrInvalidProof) {
		t.Errorf("signed by another key: %v, want ErrInvalidProof", err)
	}
}

func TestHeaderCacheIsBounded(t *testing.T) {
	t.Parallel()
	var cache headerCache
	for n := range 10 * maxCachedHeaders {
		cache.put(fmt.Sprint(n), nil)
		cache.get("0")
	}
	if size := len(cache.young) + len(cache.old); size > 2*maxCachedHeaders {
		t.Errorf("%d headers are kept", size)
	}
	cache.put(strings.Repeat("a", maxCachedHeaderBytes+1), nil)
	if _, kept := cache.young[strings.Repeat("a", maxCachedHeaderBytes+1)]; kept {
		t.Error("a long header is kept")
	}
}
