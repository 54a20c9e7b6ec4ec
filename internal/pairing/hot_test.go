package pairing_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

const hotURL = issuer + "/r/llm/openai/v1/chat/completions"

// pairKey pairs an app with a key of that algorithm.
func (g *gateway) pairKey(alg string) *app {
	g.t.Helper()
	a := g.register(pairing.StringOptions{Preset: []policy.Document{{Resource: "llm:openai"}}, Approve: true})
	key, err := dpop.GenerateKey(alg, nil)
	g.must(err)
	a.key = key
	a.ask("")
	g.must(a.collect())
	return a
}

// requests are signed requests of the app, as many as asked for.
func (a *app) requests(n int) []pairing.AuthRequest {
	a.g.t.Helper()
	signed := make([]pairing.AuthRequest, n)
	for i := range signed {
		proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: hotURL, AccessToken: a.access}, a.g.clock.Now())
		a.g.must(err)
		signed[i] = pairing.AuthRequest{
			Authorization: []string{"DPoP " + a.access},
			Proof:         dpop.Request{Headers: []string{proof}, Method: "POST", URL: hotURL},
		}
	}
	return signed
}

// bareVerification is the signature check of a proof and nothing else, with
// what it needs already taken apart.
func bareVerification(t testing.TB, key *dpop.Key, proof string) func() bool {
	t.Helper()
	parsed, err := jwk.ParseKey(key.PublicJWK())
	if err != nil {
		t.Fatal(err)
	}
	var public any
	if err := parsed.Raw(&public); err != nil {
		t.Fatal(err)
	}
	dot := strings.LastIndexByte(proof, '.')
	signed := []byte(proof[:dot])
	signature, err := base64.RawURLEncoding.DecodeString(proof[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(public, signed, signature) }
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return func() bool {
			sum := sha256.Sum256(signed)
			return ecdsa.Verify(public, sum[:], r, s)
		}
	case *rsa.PublicKey:
		return func() bool {
			sum := sha256.Sum256(signed)
			return rsa.VerifyPSS(public, crypto.SHA256, sum[:], signature, nil) == nil
		}
	}
	t.Fatalf("key of type %T", public)
	return nil
}

// BenchmarkAuthenticate measures the whole check of token and proof, of an app
// that is known, and the bare verification of the proof's signature, turn by
// turn: ×bare is the median of the one over the median of the other.
func BenchmarkAuthenticate(b *testing.B) {
	for _, alg := range []string{dpop.ES256, dpop.Ed25519, dpop.PS256} {
		b.Run(alg, func(b *testing.B) {
			a := newGateway(b).pairKey(alg)
			allocations := a.allocations(200)
			var whole, bare []time.Duration
			for len(whole) < b.N {
				requests := a.requests(min(256, b.N-len(whole))) // signed beforehand, to stay hot
				bareVerify := bareVerification(b, a.key, requests[0].Proof.Headers[0])
				for _, r := range requests {
					check := func() bool {
						_, err := a.g.Authenticate(r)
						return err == nil
					}
					whole = append(whole, timed(b, check))
					bare = append(bare, timed(b, bareVerify))
				}
			}
			b.ReportMetric(0, "ns/op") // both together say nothing
			b.ReportMetric(float64(at(whole, 0.5)), "ns/check")
			b.ReportMetric(float64(at(bare, 0.5)), "ns/bare")
			b.ReportMetric(float64(at(whole, 0.5))/float64(at(bare, 0.5)), "×bare")
			b.ReportMetric(allocations, "allocs/check")
		})
	}
}

func timed(b *testing.B, holds func() bool) time.Duration {
	start := time.Now()
	ok := holds()
	took := time.Since(start)
	if !ok {
		b.Fatal("refused")
	}
	return took
}

// at is the sample that this share of all is below.
func at(samples []time.Duration, share float64) time.Duration {
	slices.Sort(samples)
	return samples[int(share*float64(len(samples)-1))]
}

// allocations is how many a check costs.
func (a *app) allocations(checks int) float64 {
	a.g.t.Helper()
	requests, next := a.requests(checks+1), 0 // AllocsPerRun makes one run more
	return testing.AllocsPerRun(checks, func() {
		_, err := a.g.Authenticate(requests[next])
		a.g.must(err)
		next++
	})
}

func TestAuthenticateAllocations(t *testing.T) { // not parallel: it counts what the process allocates
	if n := newGateway(t).pairKey(dpop.Ed25519).allocations(100); n > 15 {
		t.Errorf("a check of token and proof allocates %v times, at most 15", n)
	}
}

// BenchmarkRefusals measures how long tokens that are not good take to be
// refused: 100,000 samples in all, each kind in turn. Whoever holds a token
// must not learn from the clock what is wrong with it.
func BenchmarkRefusals(b *testing.B) {
	g := newGateway(b)
	kinds, names := g.refusedTokens(), []string{}
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	const each = 100_000 / 5
	samples := map[string][]time.Duration{}
	for range b.N {
		for range each {
			for _, name := range names {
				r := kinds[name]()
				start := time.Now()
				_, err := g.Authenticate(r)
				samples[name] = append(samples[name], time.Since(start))
				if !errors.Is(err, pairing.ErrInvalidToken) {
					b.Fatalf("%s: %v", name, err)
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range names {
		s := samples[name]
		fmt.Printf("%-12s %d samples: 5%% %v, median %v, 95%% %v\n", name, len(s), at(s, 0.05), at(s, 0.5), at(s, 0.95))
	}
}

// refusedTokens makes requests with tokens that are not good for one reason
// each, and with proofs that are.
func (g *gateway) refusedTokens() map[string]func() pairing.AuthRequest {
	g.t.Helper()
	old := g.pairKey(dpop.Ed25519)
	g.clock.Advance(pairing.AccessTokenLife)
	revoked, ended, live, thief := g.pairKey(dpop.Ed25519), g.pairKey(dpop.Ed25519), g.pairKey(dpop.Ed25519), g.pairKey(dpop.Ed25519)
	for _, a := range []*app{revoked, ended, live, thief} {
		_, err := a.use()
		g.must(err)
	}
	g.must(g.Revoke(revoked.id))
	g.must(g.EndSession(g.Sessions(ended.id)[0].ID))
	unknown := *live
	parts := strings.Split(live.access, ".")
	parts[2] = strings.Split(thief.access, ".")[2]
	unknown.access = strings.Join(parts, ".")
	stolen := *thief
	stolen.access = live.access
	requests := map[string]func() pairing.AuthRequest{}
	for name, a := range map[string]*app{"unknown": &unknown, "revoked": revoked, "ended": ended, "expired": old, "another key": &stolen} {
		requests[name] = func() pairing.AuthRequest { return a.requests(1)[0] }
	}
	return requests
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	for name, request := range g.refusedTokens() {
		for range 3 {
			if caller, err := g.Authenticate(request()); !errors.Is(err, pairing.ErrInvalidToken) || caller != nil {
				t.Errorf("%s: %+v, %v", name, caller, err)
			}
		}
	}
}
