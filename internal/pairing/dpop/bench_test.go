package dpop

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkVerify measures the whole check of a proof, as for an app that has been seen before, beside the bare
// verification of its signature.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		key := newTestKey(b, alg)
		b.Run(alg+"/whole", func(b *testing.B) {
			verifier := newTestVerifier(b)
			proofs := make([]Request, b.N)
			for n := range proofs {
				f := forge(b, key)
				f.claims["jti"] = rand.Text()
				proofs[n] = testRequest(key, f.String())
			}
			if _, err := verifier.Verify(testRequest(key, forge(b, key).String())); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := range proofs {
				if _, err := verifier.Verify(proofs[n]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(alg+"/bare", func(b *testing.B) {
			proof := forge(b, key).String()
			signed := proof[:strings.LastIndex(proof, ".")]
			signature := decoded(proof[len(signed)+1:])
			parts, err := cut([]string{proof})
			if err != nil {
				b.Fatal(err)
			}
			head, err := decodeHeader(parts.header)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !head.verify([]byte(signed), signature) {
					b.Fatal("does not hold")
				}
			}
		})
	}
}

// BenchmarkReplay measures the memory alone, with many proofs in it.
func BenchmarkReplay(b *testing.B) {
	m := openMemory(b)
	m.each = m.Replay.max // one key signs all of them here
	m.at(100)
	for n := range 500_000 {
		if err := m.see(fmt.Sprint(n), 40+float64(n%70)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_ = m.see(base64.RawURLEncoding.EncodeToString([]byte{byte(n), byte(n >> 8), byte(n >> 16)}), 100)
	}
}
