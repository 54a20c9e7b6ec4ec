package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// proofCase is a row: a good proof and request, changed in one way.
type proofCase struct {
	name  string
	proof func(*forgery)
	sent  func(*Request)
	ok    bool
}

func allow(name string, proof func(*forgery)) proofCase {
	return proofCase{name: name, proof: proof, ok: true}
}
func deny(name string, proof func(*forgery)) proofCase { return proofCase{name: name, proof: proof} }

func allowSent(name string, sent func(*Request)) proofCase {
	return proofCase{name: name, sent: sent, ok: true}
}
func denySent(name string, sent func(*Request)) proofCase { return proofCase{name: name, sent: sent} }

// header and claim rows change one member; nil takes it out.
func headerMember(member string, value any) func(*forgery) {
	return func(f *forgery) { f.header[member] = value }
}
func claim(member string, value any) func(*forgery) {
	return func(f *forgery) { f.claims[member] = value }
}
func keyMember(member string, value any) func(*forgery) {
	return func(f *forgery) { f.jwk()[member] = value }
}

// null is a member that is there and says nothing.
var null = json.RawMessage("null")

func rawClaims(add string) func(*forgery) {
	return func(f *forgery) { f.rawClaims = strings.TrimSuffix(written(f.claims), "}") + add }
}
func rawHeader(add string) func(*forgery) {
	return func(f *forgery) { f.rawHeader = strings.TrimSuffix(written(f.header), "}") + add }
}
func iat(after time.Duration) func(*forgery) {
	return claim("iat", start.Add(100*time.Second+after).Unix())
}

var proofCases = []proofCase{
	allow("as it should be", func(*forgery) {}),
	allow("unknown claims", claim("extra", map[string]any{"a": []int{1}})),
	allow("nbf and exp", func(f *forgery) { f.claims["nbf"], f.claims["exp"] = start.Unix(), start.Unix() }),
	allow("nbf ahead and exp past", func(f *forgery) { f.claims["nbf"], f.claims["exp"] = start.Unix()+1e6, 1 }),
	allow("nonce unasked for", claim("nonce", "n-1")),
	allow("htu with query", claim("htu", testURL+"?a=b")),
	allow("htu with fragment", claim("htu", testURL+"#a")),
	allow("htu with query and fragment", claim("htu", testURL+"?a=b#c?d")),
	allow("htu upper-case scheme and host", claim("htu", "HTTPS://KEYS.Example/r/llm/openai/v1/chat/completions")),
	allow("htu default port", claim("htu", "https://keys.example:443/r/llm/openai/v1/chat/completions")),
	allow("htu needless percent-encoding", claim("htu", "https://keys.example/r/llm/openai/v1/chat/%63ompletions")),
	allow("iat 10 s old", iat(-10*time.Second)),
	allow("iat 60 s old", iat(-MaxAge)),
	allow("iat 8 s ahead", iat(8*time.Second)),
	allow("iat 15 s ahead", iat(MaxAhead)),
	allow("iat with a fraction", claim("iat", float64(start.Unix())+99.5)),
	allow("iat with an exponent", func(f *forgery) { f.rawClaims = strings.Replace(written(f.claims), "1800000100", "18000001e2", 1) }),
	allow("unknown header members", headerMember("kid", "a")),
	allow("jwk with kid, use, ext and key_ops", func(f *forgery) {
		f.jwk()["kid"], f.jwk()["use"], f.jwk()["ext"], f.jwk()["key_ops"] = "a", "sig", true, []string{"verify"}
	}),
	allow("jwk with its alg", func(f *forgery) { f.jwk()["alg"] = f.key.Algorithm() }),

	deny("no typ", headerMember("typ", nil)),
	deny("typ jwt", headerMember("typ", "jwt")),
	deny("typ in upper case", headerMember("typ", "DPOP+JWT")),
	deny("typ with prefix", headerMember("typ", "application/dpop+jwt")),
	deny("typ a number", headerMember("typ", 1)),
	deny("typ null", headerMember("typ", null)),
	deny("no alg", headerMember("alg", nil)),
	deny("alg none", headerMember("alg", "none")),
	deny("alg None", headerMember("alg", "None")),
	deny("alg HS256", headerMember("alg", "HS256")),
	deny("alg RS256", headerMember("alg", "RS256")),
	deny("alg ES384", headerMember("alg", "ES384")),
	deny("alg es256", headerMember("alg", "es256")),
	deny("alg empty", headerMember("alg", "")),
	deny("alg a list", headerMember("alg", []string{"ES256"})),
	deny("no jwk", headerMember("jwk", nil)),
	deny("jwk a string", headerMember("jwk", "key")),
	deny("jwk a list", headerMember("jwk", []string{})),
	deny("jwk null", headerMember("jwk", null)),
	deny("jwk empty", headerMember("jwk", edit{})),
	deny("jwk private", keyMember("d", base64.RawURLEncoding.EncodeToString(make([]byte, 32)))),
	deny("jwk private null", keyMember("d", null)),
	deny("jwk with p", keyMember("p", "AQ")),
	deny("jwk with oth", keyMember("oth", []string{})),
	deny("jwk with k", keyMember("k", "AQ")),
	deny("jwk with priv", keyMember("priv", "AQ")),
	deny("jwk symmetric", headerMember("jwk", edit{"kty": "oct", "k": "AQ"})),
	deny("jwk without kty", keyMember("kty", nil)),
	deny("jwk for another alg", keyMember("alg", "ES512")),
	deny("jwk twice", rawHeader(`,"jwk":{}}`)),
	deny("crit", headerMember("crit", []string{"b64"})),
	deny("crit known to no one", func(f *forgery) { f.header["crit"], f.header["x"] = []string{"x"}, 1 }),
	deny("crit empty", headerMember("crit", []string{})),
	deny("crit null", headerMember("crit", null)),
	deny("header name twice", rawHeader(`,"alg":"ES256"}`)),
	deny("header escaped name twice", rawHeader(`,"\u0061lg":"ES256"}`)),
	deny("header with trailing data", rawHeader(`} {}`)),
	deny("header with invalid UTF-8", rawHeader(",\"x\":\"\xff\"}")),
	deny("header a list", func(f *forgery) { f.rawHeader = `["typ"]` }),
	deny("bad signature", func(f *forgery) { f.badSignature = true }),

	deny("no jti", claim("jti", nil)),
	deny("jti empty", claim("jti", "")),
	deny("jti a number", claim("jti", 7)),
	deny("jti null", claim("jti", null)),
	deny("no htm", claim("htm", nil)),
	deny("htm another method", claim("htm", "GET")),
	deny("htm in lower case", claim("htm", "post")),
	deny("htm a list", claim("htm", []string{"POST"})),
	deny("no htu", claim("htu", nil)),
	deny("htu a number", claim("htu", 1)),
	deny("htu another path", claim("htu", "https://keys.example/r/llm/openai/v1/models")),
	deny("htu path in upper case", claim("htu", "https://keys.example/R/llm/openai/v1/chat/completions")),
	deny("htu trailing slash", claim("htu", testURL+"/")),
	deny("htu another host", claim("htu", "https://keys.example.org/r/llm/openai/v1/chat/completions")),
	deny("htu another port", claim("htu", "https://keys.example:8443/r/llm/openai/v1/chat/completions")),
	deny("htu http", claim("htu", "http://keys.example/r/llm/openai/v1/chat/completions")),
	deny("htu with user", claim("htu", "https://keys.example@keys.example/r/llm/openai/v1/chat/completions")),
	deny("htu relative", claim("htu", "/r/llm/openai/v1/chat/completions")),
	deny("htu dot segments", claim("htu", "https://keys.example/r/llm/openai/v1/x/../chat/completions")),
	deny("htu empty", claim("htu", "")),
	deny("no iat", claim("iat", nil)),
	deny("iat a string", claim("iat", "1800000100")),
	deny("iat null", claim("iat", null)),
	deny("iat true", claim("iat", true)),
	deny("iat an hour old", iat(-time.Hour)),
	deny("iat 61 s old", iat(-MaxAge-time.Second)),
	deny("iat 16 s ahead", iat(MaxAhead+time.Second)),
	deny("iat an hour ahead", iat(time.Hour)),
	deny("iat negative", claim("iat", -1)),
	deny("iat immense", func(f *forgery) { f.rawClaims = strings.Replace(written(f.claims), "1800000100", "1e400", 1) }),
	deny("no ath", claim("ath", nil)),
	deny("ath of another token", claim("ath", tokenHash("another"))),
	deny("ath empty", claim("ath", "")),
	deny("ath a list", claim("ath", []string{tokenHash(testToken)})),
	deny("bh where no body can be checked", claim("bh", BodyHash(sha256.Sum256(nil)))),
	deny("bh a number", claim("bh", 1)),
	deny("bh that stands for none", claim("bh", "\xff")),
	deny("bh escaped", rawClaims(`,"bh":"\ufffd"}`)),
	deny("bh null", claim("bh", null)),
	deny("htm empty", claim("htm", "")),
	deny("ath null", claim("ath", null)),
	deny("claim twice", rawClaims(`,"htm":"POST"}`)),
	deny("unknown claim twice", rawClaims(`,"x":1,"x":1}`)),
	deny("claims with trailing data", rawClaims(`}{}`)),
	deny("claims a list", func(f *forgery) { f.rawClaims = `[]` }),
	deny("claims null", func(f *forgery) { f.rawClaims = `null` }),
	deny("claims not JSON", func(f *forgery) { f.rawClaims = `jti=1` }),

	denySent("no proof", func(r *Request) { r.Headers = nil }),
	denySent("empty proof", func(r *Request) { r.Headers = []string{""} }),
	denySent("two proofs", func(r *Request) { r.Headers = append(r.Headers, r.Headers[0]) }),
	denySent("two proofs in one header", func(r *Request) { r.Headers[0] += ", " + r.Headers[0] }),
	denySent("two parts", func(r *Request) { r.Headers[0] = r.Headers[0][:strings.LastIndex(r.Headers[0], ".")] }),
	denySent("four parts", func(r *Request) { r.Headers[0] += ".AA" }),
	denySent("no signature", func(r *Request) { r.Headers[0] = r.Headers[0][:strings.LastIndex(r.Headers[0], ".")+1] }),
	denySent("padded", func(r *Request) { r.Headers[0] += "=" }),
	denySent("line break", func(r *Request) { r.Headers[0] = r.Headers[0][:10] + "\n" + r.Headers[0][10:] }),
	denySent("space behind", func(r *Request) { r.Headers[0] += " " }),
	denySent("too long", func(r *Request) { r.Headers[0] += strings.Repeat("A", MaxProofBytes) }),
	denySent("garbage", func(r *Request) { r.Headers[0] = "a.b.c" }),
	denySent("JSON serialisation", func(r *Request) { r.Headers[0] = jsonSerialised(r.Headers[0], false) }),
	denySent("flattened JSON serialisation", func(r *Request) { r.Headers[0] = jsonSerialised(r.Headers[0], true) }),
	denySent("another token", func(r *Request) { r.AccessToken += "x" }),
	denySent("token of another key", func(r *Request) { r.Thumbprint = strings.Repeat("A", 43) }),
	denySent("another method", func(r *Request) { r.Method = "PUT" }),
	denySent("another URL", func(r *Request) { r.URL += "/x" }),
	denySent("dot segments in the request", func(r *Request) { r.URL = strings.Replace(r.URL, "/v1", "/./v1", 1) }),
	allowSent("no token", func(r *Request) { r.AccessToken, r.Thumbprint = "", "" }),
	allowSent("any key", func(r *Request) { r.Thumbprint = "" }),
}

func jsonSerialised(compact string, flat bool) string {
	parts := strings.Split(compact, ".")
	value := edit{"payload": parts[1], "protected": parts[0], "signature": parts[2]}
	if !flat {
		value = edit{"payload": parts[1], "signatures": []edit{{"protected": parts[0], "signature": parts[2]}}}
	}
	return written(value)
}

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

// TestKeysOfTheWrongKind covers what depends on the key: alg against type and curve, sizes, spelling.
func TestKeysOfTheWrongKind(t *testing.T) {
	t.Parallel()
	ec, okp, psk := newTestKey(t, ES256), newTestKey(t, Ed25519), newTestKey(t, PS256)
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for _, row := range []struct {
		name string
		key  *Key
		bad  func(*forgery)
	}{
		{"Ed25519 with a P-256 key", ec, headerMember("alg", Ed25519)},
		{"PS256 with a P-256 key", ec, headerMember("alg", PS256)},
		{"ES256 with an Ed25519 key", okp, headerMember("alg", ES256)},
		{"EdDSA with an RSA key", psk, headerMember("alg", EdDSA)},
		{"RS256 with an RSA key", psk, headerMember("alg", "RS256")},
		{"P-384 named", ec, keyMember("crv", "P-384")},
		{"secp256k1 named", ec, keyMember("crv", "secp256k1")},
		{"no curve", ec, keyMember("crv", nil)},
		{"X25519 named", okp, keyMember("crv", "X25519")},
		{"Ed448 named", okp, keyMember("crv", "Ed448")},
		{"x and y zero", ec, func(f *forgery) { f.jwk()["x"], f.jwk()["y"] = zeros, zeros }},
		{"point not on the curve", ec, func(f *forgery) { f.jwk()["y"] = f.jwk()["x"] }},
		{"y missing", ec, keyMember("y", nil)},
		{"x short", ec, keyMember("x", base64.RawURLEncoding.EncodeToString(make([]byte, 31)))},
		{"x with a leading zero", ec, func(f *forgery) { f.jwk()["x"] = longer(f.jwk()["x"]) }},
		{"x padded", okp, func(f *forgery) { f.jwk()["x"] = f.jwk()["x"].(string) + "=" }},
		{"x with stray bits", okp, func(f *forgery) { f.jwk()["x"] = strayBits(f.jwk()["x"].(string)) }},
		{"x a number", okp, keyMember("x", 5)},
		{"x short Ed25519", okp, keyMember("x", "AAAA")},
		{"x missing", okp, keyMember("x", nil)},
		{"n with a leading zero", psk, func(f *forgery) { f.jwk()["n"] = longer(f.jwk()["n"]) }},
		{"n missing", psk, keyMember("n", nil)},
		{"n even", psk, func(f *forgery) { f.jwk()["n"] = even(f.jwk()["n"].(string)) }},
		{"e missing", psk, keyMember("e", nil)},
		{"e one", psk, keyMember("e", "AQ")},
		{"e even", psk, keyMember("e", "AQAA")},
		{"e immense", psk, keyMember("e", base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 9)))},
	} {
		f := forge(t, row.key)
		row.bad(f)
		request := testRequest(row.key, f.String())
		request.Thumbprint = "" // it is the key that must be refused
		if _, err := newTestVerifier(t).Verify(request); !errors.Is(err, ErrInvalidProof) || strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: %v, want a refusal before the signature", row.name, err)
		}
	}
}

func TestRSASizes(t *testing.T) {
	t.Parallel()
	for bits, want := range map[int]bool{1024: false, 2047: false, 2048: true, 3072: true, 4096: true, 4104: false, 8192: false} {
		modulus := bytes.Repeat([]byte{0xff}, (bits+7)/8) // the size is looked at before anything else could be
		modulus[0] >>= (8 - bits%8) % 8
		_, err := parseJWK([]byte(written(edit{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(modulus)})), PS256)
		if (err == nil) != want {
			t.Errorf("%d bits: %v, want accepted %v", bits, err, want)
		}
	}
}

func decoded(t any) []byte { data, _ := base64.RawURLEncoding.DecodeString(t.(string)); return data }

func longer(value any) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{0}, decoded(value)...))
}

func even(value string) string {
	data := decoded(value)
	data[len(data)-1] &^= 1
	return base64.RawURLEncoding.EncodeToString(data)
}

// strayBits sets bits in the last character that stand for nothing: another spelling of the same bytes.
func strayBits(value string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, value[len(value)-1])
	return value[:len(value)-1] + string(alphabet[last|1])
}

// TestSignatureForms: an ES256 signature has one form in a JWS, and it is not ASN.1.
func TestSignatureForms(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, ES256), newTestVerifier(t)
	proof := forge(t, key).String()
	signed := proof[:strings.LastIndex(proof, ".")]
	sum := sha256.Sum256([]byte(signed))
	der, err := ecdsa.SignASN1(rand.Reader, key.signer.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	fixed := decoded(proof[len(signed)+1:])
	for name, signature := range map[string][]byte{
		"ASN.1": der, "zeros": make([]byte, 64), "cut": fixed[:63], "longer": append(bytes.Clone(fixed), 0), "empty r": append(make([]byte, 32), fixed[32:]...),
	} {
		forged := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
		if _, err := verifier.Verify(testRequest(key, forged)); !errors.Is(err, ErrInvalidProof) {
			t.Errorf("%s: %v, want ErrInvalidProof", name, err)
		}
	}
}

// TestPSSOnly: the same RSA key must not vouch with the older padding.
func TestPSSOnly(t *testing.T) {
	t.Parallel()
	key, verifier := newTestKey(t, PS256), newTestVerifier(t)
	proof := forge(t, key).String()
	signed := proof[:strings.LastIndex(proof, ".")]
	sum := sha256.Sum256([]byte(signed))
	for name, sign := range map[string]func() ([]byte, error){
		"PKCS 1 v1.5": func() ([]byte, error) { return rsa.SignPKCS1v15(nil, key.signer.(*rsa.PrivateKey), 5, sum[:]) },
		"PSS with another salt": func() ([]byte, error) {
			return rsa.SignPSS(rand.Reader, key.signer.(*rsa.PrivateKey), 5, sum[:], &rsa.PSSOptions{SaltLength: 20})
		},
	} {
		signature, err := sign()
		if err != nil {
			t.Fatal(err)
		}
		forged := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
		if _, err := verifier.Verify(testRequest(key, forged)); !errors.Is(err, ErrInvalidProof) {
			t.Errorf("%s: %v, want ErrInvalidProof", name, err)
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

func TestAnotherCurve(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newKey(ES256, key, rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("P-384 key: %v, want ErrKey", err)
	}
	if _, err := GenerateKey("HS256", nil); !errors.Is(err, ErrKey) {
		t.Errorf("HS256: %v, want ErrKey", err)
	}
}
