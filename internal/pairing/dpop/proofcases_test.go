package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
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
	deny("ath of another token", claim("ath", TokenHash("another"))),
	deny("ath empty", claim("ath", "")),
	deny("ath a list", claim("ath", []string{TokenHash(testToken)})),
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
