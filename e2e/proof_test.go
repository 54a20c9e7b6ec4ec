package e2e_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/server"
)

// proofRow is one case of the OpenID FAPI 2 conformance suite for resource
// servers that take DPoP, or one like them: a good request, changed.
type proofRow struct {
	name  string
	proof func(*forgery)
	sent  func(*http.Request)
	// refused is the error code in the challenge; "" for rows that must pass.
	refused string
}

func proofPasses(name string, proof func(*forgery)) proofRow {
	return proofRow{name: name, proof: proof}
}

func proofFails(name string, proof func(*forgery)) proofRow {
	return proofRow{name: name, proof: proof, refused: "invalid_dpop_proof"}
}

func sentPasses(name string, sent func(*http.Request)) proofRow {
	return proofRow{name: name, sent: sent}
}

func sentFails(name, code string, sent func(*http.Request)) proofRow {
	return proofRow{name: name, sent: sent, refused: code}
}

func header(member string, value any) func(*forgery) {
	return func(f *forgery) { f.header[member] = value }
}

func claim(member string, value any) func(*forgery) {
	return func(f *forgery) { f.claims[member] = value }
}

func dated(after time.Duration) func(*forgery) {
	return func(f *forgery) { f.claims["iat"] = f.claims["iat"].(int64) + int64(after/time.Second) }
}

// htu replaces a part of the URL in the proof.
func htu(old, new string) func(*forgery) {
	return func(f *forgery) { f.claims["htu"] = strings.Replace(f.claims["htu"].(string), old, new, 1) }
}

func inHeader(more string) func(*forgery) {
	return func(f *forgery) { f.rawHeader = withoutEnd(written(f.header)) + more }
}

func inClaims(more string) func(*forgery) {
	return func(f *forgery) { f.rawClaims = withoutEnd(written(f.claims)) + more }
}

func proofHeader(change func(proof string) []string) func(*http.Request) {
	return func(r *http.Request) { r.Header["DPoP"] = change(r.Header["DPoP"][0]) }
}

func proofNamed(name string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header[name] = r.Header["DPoP"]
		delete(r.Header, "DPoP")
	}
}

func authorization(scheme string) func(*http.Request) {
	return func(r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		r.Header["Authorization"] = []string{scheme + " " + token}
	}
}

// proofRows are the suite's own cases first, in its order.
func proofRows(another appKey) []proofRow {
	return []proofRow{
		sentFails("two proofs", "invalid_dpop_proof", proofHeader(func(p string) []string { return []string{p, p} })),
		sentFails("malformed", "invalid_dpop_proof", proofHeader(func(string) []string { return []string{"a.proof"} })),
		proofFails("no typ", header("typ", nil)),
		proofFails("no alg", header("alg", nil)),
		proofFails("no jwk", header("jwk", nil)),
		proofFails("no jti", claim("jti", nil)),
		proofFails("no htm", claim("htm", nil)),
		proofFails("no htu", claim("htu", nil)),
		proofFails("no iat", claim("iat", nil)),
		proofFails("no ath", claim("ath", nil)),
		proofFails("wrong typ", header("typ", "JWT")),
		proofFails("alg none", func(f *forgery) { f.header["alg"], f.none = "none", true }),
		proofFails("alg not allowed", header("alg", "RS256")),
		proofFails("bad signature", func(f *forgery) { f.signer = &another }),
		proofFails("private jwk", func(f *forgery) { f.jwk()["d"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32)) }),
		proofFails("wrong htm", claim("htm", "POST")),
		proofFails("wrong htu", htu("/models", "/chat/completions")),
		proofFails("iat an hour old", dated(-time.Hour)),
		proofFails("iat an hour ahead", dated(time.Hour)),
		proofFails("wrong ath", claim("ath", sha256Text("another token"))),
		{
			name:    "another key",
			proof:   func(f *forgery) { f.key, f.header["jwk"], f.header["alg"] = another, another.public, another.alg },
			refused: "invalid_token",
		},
		sentFails("no proof", "invalid_dpop_proof", func(r *http.Request) { delete(r.Header, "DPoP") }),
		sentFails("no proof, as Bearer", "invalid_token", func(r *http.Request) {
			delete(r.Header, "DPoP")
			authorization("Bearer")(r)
		}),

		proofPasses("as it should be", func(*forgery) {}),
		sentPasses("header name in lower case", proofNamed("dpop")),
		sentPasses("header name in upper case", proofNamed("DPOP")),
		proofPasses("htu with query and fragment", func(f *forgery) { f.claims["htu"] = f.claims["htu"].(string) + "?a=b#c" }),
		sentPasses("htu without the request's query", func(r *http.Request) { r.URL.RawQuery = "" }),
		proofPasses("unknown claims", claim("extra", map[string]any{"a": []int{1}})),
		proofPasses("htu with scheme and host in upper case", htu("https://keys.example", "HTTPS://KEYS.EXAMPLE")),
		proofPasses("htu with the default port", htu("keys.example", "keys.example:443")),
		proofPasses("iat 10 s old", dated(-10*time.Second)),
		proofPasses("iat 8 s ahead", dated(8*time.Second)),
		proofPasses("nbf and exp", func(f *forgery) { f.claims["nbf"], f.claims["exp"] = f.claims["iat"], f.claims["iat"] }),

		proofFails("unknown crit", func(f *forgery) { f.header["crit"], f.header["x"] = []string{"x"}, 1 }),
		proofFails("empty crit", header("crit", []string{})),
		sentFails("JSON serialisation", "invalid_dpop_proof", proofHeader(func(p string) []string {
			parts := strings.Split(p, ".")
			return []string{written(members{"payload": parts[1], "signatures": []members{{"protected": parts[0], "signature": parts[2]}}})}
		})),
		sentFails("flattened JSON serialisation", "invalid_dpop_proof", proofHeader(func(p string) []string {
			parts := strings.Split(p, ".")
			return []string{written(members{"payload": parts[1], "protected": parts[0], "signature": parts[2]})}
		})),
		proofFails("alg of another type of key", func(f *forgery) {
			f.header["alg"] = map[string]string{"ES256": "EdDSA", "EdDSA": "PS256", "Ed25519": "ES256", "PS256": "ES256"}[f.key.alg]
		}),
		proofFails("alg of another curve", func(f *forgery) {
			f.header["alg"] = map[string]string{"ES256": "ES384", "EdDSA": "Ed448", "Ed25519": "Ed448", "PS256": "PS512"}[f.key.alg]
		}),
		proofFails("alg in lower case", func(f *forgery) { f.header["alg"] = strings.ToLower(f.key.alg) }),
		proofFails("alg HS256", header("alg", "HS256")),
		proofFails("header name twice", inHeader(`,"typ":"dpop+jwt"}`)),
		proofFails("claim twice", inClaims(`,"htm":"GET"}`)),
		proofFails("escaped claim name twice", inClaims(`,"\u0068tm":"GET"}`)),
		proofFails("unknown claim twice", inClaims(`,"x":1,"x":1}`)),
		proofFails("jti not a text", claim("jti", 7)),
		proofFails("iat a text", func(f *forgery) { f.claims["iat"] = time.Now().Format("20060102") }),
		proofFails("htu of another origin", htu("keys.example", "keys.example.org")),
		proofFails("htu where the gateway listens", claim("htu", "http://127.0.0.1"+modelsPath)),
		proofFails("bh of another body", claim("bh", sha256Text("another body"))),
		proofPasses("bh of the body", claim("bh", sha256Text(""))),
		proofPasses("nonce nobody has asked for", claim("nonce", "n-1")),
		sentFails("two proofs in one header", "invalid_dpop_proof", proofHeader(func(p string) []string { return []string{p + ", " + p} })),
		sentFails("empty proof", "invalid_dpop_proof", proofHeader(func(string) []string { return []string{""} })),
		sentFails("proof of 9 KiB", "invalid_dpop_proof", proofHeader(func(p string) []string { return []string{p + strings.Repeat("A", 9<<10)} })),
		sentFails("proof with token as Bearer", "invalid_token", authorization("Bearer")),
		sentFails("two tokens", "invalid_token", func(r *http.Request) {
			r.Header["Authorization"] = append(r.Header["Authorization"], r.Header["Authorization"][0])
		}),
		sentPasses("scheme in another case", authorization("dPoP")),
		sentFails("no credentials", "", func(r *http.Request) { r.Header = http.Header{} }),
	}
}

// TestProofs sends each case to a gateway that listens where its public URL
// does not say. What is refused never reaches the provider.
func TestProofs(t *testing.T) {
	t.Parallel()
	g, clock := behindProxy(t)
	for _, alg := range []string{"ES256", "EdDSA", "Ed25519", "PS256"} {
		a := pairPlain(t, g.gateway, g.at, newAppKey(t, alg), clock.Now, `{"resource":"llm:openai"}`)
		for _, row := range proofRows(newAppKey(t, alg)) {
			t.Run(alg+"/"+row.name, func(t *testing.T) { checkProof(t, g, a, row) })
		}
	}
}

func checkProof(t *testing.T, g *proxied, a *plainApp, row proofRow) {
	f := a.proof()
	if row.proof != nil {
		row.proof(f)
	}
	r := a.request(t, http.MethodGet, modelsPath+"?limit=2", "", http.Header{
		"Authorization": {"DPoP " + a.access}, "DPoP": {f.compact(t)},
	})
	if row.sent != nil {
		row.sent(r)
	}
	before := g.Fake.Count()
	bare := r.Header.Get("Authorization") == ""
	answer := a.send(t, r)
	challenge := answer.header.Get("WWW-Authenticate")
	if row.refused == "" && !bare {
		if answer.status != 200 || challenge != "" || g.Fake.Count() != before+1 {
			t.Errorf("got %d %s with challenge %q, want it to pass", answer.status, answer.body, challenge)
		}
		return
	}
	want := `DPoP error="` + row.refused + `", `
	if bare { // RFC 6750 section 3.1: without credentials there is no error to name
		want = "DPoP "
	}
	if answer.status != 401 || !strings.HasPrefix(challenge, want) || bare && strings.Contains(challenge, "error") {
		t.Errorf("got %d with challenge %q, want 401 with %s…", answer.status, challenge, want)
	}
	if !strings.Contains(challenge, `algs="ES256 EdDSA Ed25519 PS256"`) {
		t.Errorf("the challenge names no algorithms: %s", challenge)
	}
	if g.Fake.Count() != before {
		t.Error("the request reached the provider")
	}
}

// proxied is a gateway behind a reverse proxy that terminates TLS.
type proxied struct {
	*gateway
	at string // where it listens
}

// behindProxy starts a gateway whose clock is well past its start, since
// proofs dated before the start are refused.
func behindProxy(t *testing.T, settings ...setting) (*proxied, *stillClock) {
	t.Helper()
	clock := &stillClock{}
	at := freeAddress(t)
	settings = append([]setting{clock.set, listenOn(at), func(c *server.Config) {
		c.PublicURL, c.BehindProxy = "https://keys.example", true
	}}, settings...)
	g := start(t, settings...)
	clock.move(100 * time.Second)
	return &proxied{g, "http://" + at}, clock
}

// TestProofIsUsedOnce sends a proof twice, and its jti in another proof.
func TestProofIsUsedOnce(t *testing.T) {
	t.Parallel()
	g, clock := behindProxy(t)
	a := pairPlain(t, g.gateway, g.at, newAppKey(t, "ES256"), clock.Now, `{"resource":"llm:openai"}`)
	f := a.proof()
	proof := f.compact(t)
	if answer := a.models(t, proof); answer.status != 200 {
		t.Fatalf("first use: %d %s", answer.status, answer.body)
	}
	if answer := a.models(t, proof); answer.status != 401 || answer.code() != "invalid_dpop_proof" {
		t.Errorf("second use: %d %s", answer.status, answer.body)
	}
	f.claims["iat"] = clock.Now().Unix() + 1
	if answer := a.models(t, f.compact(t)); answer.status != 401 || answer.code() != "invalid_dpop_proof" {
		t.Errorf("jti in another proof: %d %s", answer.status, answer.body)
	}
	clock.move(59 * time.Second)
	if answer := a.models(t, proof); answer.status != 401 || answer.code() != "invalid_dpop_proof" {
		t.Errorf("second use a minute later: %d %s", answer.status, answer.body)
	}
}

// TestRefreshIsBoundToTheKey renews with what a thief of the refresh token has.
func TestRefreshIsBoundToTheKey(t *testing.T) {
	t.Parallel()
	g, clock := behindProxy(t)
	victim := pairPlain(t, g.gateway, g.at, newAppKey(t, "ES256"), clock.Now, `{"resource":"llm:openai"}`)
	thief := pairPlain(t, g.gateway, g.at, newAppKey(t, "Ed25519"), clock.Now, `{"resource":"llm:openai"}`)
	stolen := *thief
	stolen.refresh = victim.refresh
	impostor := *victim
	impostor.key = thief.key
	keyed := func(key appKey) string { return victim.tokenProof(key).compact(t) }
	for _, row := range []struct {
		name, code string
		answer     plainAnswer
	}{
		{"another key", "invalid_grant", impostor.renewal(t, keyed(thief.key))},
		{"without proof", "invalid_request", victim.renewal(t, "")},
		{"another client, its own key", "invalid_grant", stolen.renewal(t, keyed(thief.key))},
		{"another client, the victim's key", "invalid_grant", stolen.renewal(t, keyed(victim.key))},
		{"the victim", "", victim.renewal(t, keyed(victim.key))},
	} {
		if row.answer.code() != row.code || (row.code == "") != (row.answer.status == 200) {
			t.Errorf("%s: %d %s, want %q", row.name, row.answer.status, row.answer.body, row.code)
		}
	}
	broken := victim.tokenProof(victim.key)
	broken.claims["htu"] = victim.issuer + "/oauth/device"
	if answer := victim.renewal(t, broken.compact(t)); answer.status != 400 || answer.code() != "invalid_dpop_proof" {
		t.Errorf("proof for another endpoint: %d %s", answer.status, answer.body)
	}
	proof := keyed(victim.key)
	if answer := victim.renewal(t, proof); answer.status != 200 {
		t.Fatalf("renewal: %d %s", answer.status, answer.body)
	}
	if answer := victim.renewal(t, proof); answer.status != 400 || answer.code() != "invalid_dpop_proof" {
		t.Errorf("the same proof again: %d %s", answer.status, answer.body)
	}
}
