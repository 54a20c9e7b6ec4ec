package dpop

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"
)

// start is when the tests' gateway starts; proofs are checked a little later.
var start = time.Unix(1_800_000_000, 0)

// clock is a clock that the test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

const (
	testURL   = "https://keys.example/r/llm/openai/v1/chat/completions"
	testToken = "header.payload.signature"
)

// forgery is a proof in the making: a good one, to be spoilt by the test.
type forgery struct {
	key    *Key
	header map[string]any
	claims map[string]any

	rawHeader, rawClaims string // written as they are, instead of the maps
	badSignature         bool
}

// member is a JSON object's member by name; nil takes it away.
type edit = map[string]any

func forge(t testing.TB, key *Key) *forgery {
	t.Helper()
	var jwk map[string]any
	if err := json.Unmarshal(key.PublicJWK(), &jwk); err != nil {
		t.Fatal(err)
	}
	return &forgery{
		key:    key,
		header: edit{"typ": "dpop+jwt", "alg": key.Algorithm(), "jwk": jwk},
		claims: edit{
			"jti": base64.RawURLEncoding.EncodeToString([]byte(t.Name())), "htm": "POST", "htu": testURL,
			"iat": start.Unix() + 100, "ath": TokenHash(testToken),
		},
	}
}

func (f *forgery) jwk() map[string]any { return f.header["jwk"].(map[string]any) }

func (f *forgery) String() string {
	header, claims := f.rawHeader, f.rawClaims
	if header == "" {
		header = written(f.header)
	}
	if claims == "" {
		claims = written(f.claims)
	}
	return f.key.seal(header, claims, f.badSignature)
}

func written(members map[string]any) string {
	kept := edit{}
	for name, value := range members {
		if value != nil {
			kept[name] = value
		}
	}
	data, err := json.Marshal(kept)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// seal signs any header and claims.
func (k *Key) seal(header, claims string, spoil bool) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := k.signature([]byte(signed))
	if err != nil {
		panic(err)
	}
	if spoil {
		signature[len(signature)/2] ^= 1
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// newTestVerifier is a verifier with an empty memory, 100 s after its start.
func newTestVerifier(t testing.TB) *Verifier {
	t.Helper()
	now := &clock{start}
	replay, err := OpenReplay(ReplayConfig{Dir: t.TempDir(), Clock: now.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = replay.Close() })
	now.now = start.Add(100 * time.Second)
	verifier, err := NewVerifier(VerifierConfig{Clock: now.Now, Replay: replay})
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// testRequest is the request that a forgery is made for.
func testRequest(key *Key, proof string) Request {
	return Request{
		Headers: []string{proof}, Method: "POST", URL: testURL, AccessToken: testToken, Thumbprint: key.Thumbprint(),
	}
}
