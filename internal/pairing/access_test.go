package pairing

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Whatever the gateway's key may come to sign, only access tokens of this very
// form pass as access tokens.
func TestOnlyAccessTokensPassAsAccessTokens(t *testing.T) {
	t.Parallel()
	const issuer = "https://keys.example.com"
	s, err := newSigner(issuer, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newSigner(issuer, []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	good := claims{
		Issuer: issuer, Audience: issuer, Subject: "app_a", ClientID: "app_a", SessionID: "ses_a", ID: "tok_a",
		IssuedAt: now.Unix(), ExpiresAt: now.Unix() + 300, Confirm: confirmation{Thumbprint: "jkt"},
	}
	sign := func(by *signer, header map[string]any, payload any) string {
		t.Helper()
		raw, err := json.Marshal(payload, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		h := jws.NewHeaders()
		for name, value := range header {
			if err := h.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		token, err := jws.Sign(raw, jws.WithKey(jwa.EdDSA, by.key, jws.WithProtectedHeaders(h)))
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	}
	but := func(change func(*claims)) claims { c := good; change(&c); return c }
	atJWT := map[string]any{"typ": "at+jwt"}
	cut := sign(s, atJWT, good)
	cut = cut[:len(cut)-2]
	for _, row := range []struct {
		name   string
		token  string
		passes bool
	}{
		{"as signed", sign(s, atJWT, good), true},
		{"last second", sign(s, atJWT, but(func(c *claims) { c.ExpiresAt = now.Unix() + 1 })), true},
		{"expired", sign(s, atJWT, but(func(c *claims) { c.ExpiresAt = now.Unix() })), false},
		{"no expiry", sign(s, atJWT, but(func(c *claims) { c.ExpiresAt = 0 })), false},
		{"other issuer", sign(s, atJWT, but(func(c *claims) { c.Issuer = "https://other.example" })), false},
		{"other audience", sign(s, atJWT, but(func(c *claims) { c.Audience = "https://other.example" })), false},
		{"no session", sign(s, atJWT, but(func(c *claims) { c.SessionID = "" })), false},
		{"no key", sign(s, atJWT, but(func(c *claims) { c.Confirm.Thumbprint = "" })), false},
		{"unknown claim", sign(s, atJWT, map[string]any{"iss": issuer, "admin": true}), false},
		{"typ JWT", sign(s, map[string]any{"typ": "JWT"}, good), false},
		{"typ dpop+jwt", sign(s, map[string]any{"typ": "dpop+jwt"}, good), false},
		{"no typ", sign(s, nil, good), false},
		{"further header", sign(s, map[string]any{"typ": "at+jwt", "cty": "x"}, good), false},
		{"another key", sign(stranger, atJWT, good), false},
		{"cut short", cut, false},
		{"empty", "", false},
		{"dots", "..", false},
	} {
		_, err := s.verify(row.token, now)
		if (err == nil) != row.passes || err != nil && !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%s: got %v, want it to pass: %v", row.name, err, row.passes)
		}
	}
}
