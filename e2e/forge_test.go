package e2e_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// appKey is an app's private key, used without the code that is tested.
type appKey struct {
	alg        string
	private    crypto.Signer
	public     map[string]any // JWK
	thumbprint string
}

func newAppKey(t testing.TB, alg string) appKey {
	t.Helper()
	k := appKey{alg: alg}
	var err error
	switch alg {
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "PS256":
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	public, err := jwk.FromRaw(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	k.thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	if err := json.Unmarshal([]byte(written(public)), &k.public); err != nil {
		t.Fatal(err)
	}
	return k
}

// members is a JSON object; a nil value takes the member out of it.
type members map[string]any

// forgery is a proof in the making: good until a test changes it.
type forgery struct {
	key            appKey
	header, claims members

	// These replace what the members above would be written as.
	rawHeader, rawClaims string
	// signer is who signs, when that is not key; none signs nothing.
	signer *appKey
	none   bool
}

// forge begins a good proof. An empty token leaves ath out.
func forge(key appKey, method, url, token string, now time.Time) *forgery {
	public := members{}
	for name, value := range key.public {
		public[name] = value
	}
	f := &forgery{
		key:    key,
		header: members{"typ": "dpop+jwt", "alg": key.alg, "jwk": public},
		claims: members{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()},
	}
	if token != "" {
		f.claims["ath"] = sha256Text(token)
	}
	return f
}

func (f *forgery) jwk() members { return f.header["jwk"].(members) }

// compact writes and signs the proof.
func (f *forgery) compact(t testing.TB) string {
	t.Helper()
	header, claims := f.rawHeader, f.rawClaims
	if header == "" {
		header = written(f.header.present())
	}
	if claims == "" {
		claims = written(f.claims.present())
	}
	signed := encoded([]byte(header)) + "." + encoded([]byte(claims))
	if f.none {
		return signed + "."
	}
	key := f.key
	if f.signer != nil {
		key = *f.signer
	}
	alg := jwa.SignatureAlgorithm(key.alg)
	if key.alg == "Ed25519" {
		alg = jwa.EdDSA // the same signature under its newer name (RFC 9864)
	}
	signer, err := jws.NewSigner(alg)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign([]byte(signed), key.private)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encoded(signature)
}

func (m members) present() members {
	kept := members{}
	for name, value := range m {
		if value != nil {
			kept[name] = value
		}
	}
	return kept
}

func written(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func sha256Text(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encoded(sum[:])
}

// withoutEnd opens a JSON object for more members.
func withoutEnd(object string) string { return strings.TrimSuffix(object, "}") }
