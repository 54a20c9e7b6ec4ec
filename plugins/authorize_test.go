package plugins

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestAuthorizeReplacesEveryCredential(t *testing.T) {
	t.Parallel()
	for _, credential := range []Credential{
		{Header: "Authorization", Prefix: "Bearer "},
		{Header: "X-Api-Key"},
		{Header: "X-Unheard-Of-Key", Prefix: "Token "},
	} {
		h := http.Header{"X-Unheard-Of-Key": {"theirs"}, "Accept": {"application/json"}}
		for _, name := range clientCredentials() {
			h.Add(name, "theirs")
			h.Add(name, "theirs too")
		}
		if err := Authorize(h, Manifest{Credential: credential}, []byte("owners-key")); err != nil {
			t.Fatal(err)
		}
		if got := h.Values(credential.Header); len(got) != 1 || got[0] != credential.Prefix+"owners-key" {
			t.Errorf("%s: got %q", credential.Header, got)
		}
		for name, values := range h {
			if strings.Contains(strings.Join(values, " "), "theirs too") {
				t.Errorf("%s of the client is still there", name)
			}
		}
		if h.Get("Accept") == "" {
			t.Error("a header that is no credential is gone")
		}
	}
}

func TestAuthorizeRefusesUnsendableSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "line\nend", "line\r\nX-Evil: 1", "nul\x00", "with space", "trailing ", "höhö"} {
		h := http.Header{"Authorization": {"DPoP theirs"}}
		err := Authorize(h, Manifest{Credential: Credential{Header: "Authorization"}}, []byte(secret))
		if !errors.Is(err, ErrSecret) {
			t.Errorf("%q: got %v, want ErrSecret", secret, err)
		}
		if len(h) != 0 {
			t.Errorf("%q: left %v", secret, h)
		}
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error quotes the secret", secret)
		}
	}
}

func TestAllowHeader(t *testing.T) {
	t.Parallel()
	h := http.Header{
		"Accept":          {"application/json"},
		"Openai-Beta":     {"x"},
		"Idempotency-Key": {"a", "b"},
		"X-Long":          {strings.Repeat("x", maxHeaderValue+1)},
		"X-Other":         {"y"},
		"Connection":      {"keep-alive, openai-beta"},
	}
	got := AllowHeader(h, "Accept", "OpenAI-Beta", "Idempotency-Key", "X-Long", "X-Absent")
	if len(got) != 1 || got.Get("Accept") != "application/json" {
		t.Errorf("got %v, want Accept alone", got)
	}
	got.Set("Accept", "changed")
	if h.Get("Accept") != "application/json" {
		t.Error("the copy shares values with the original")
	}
}
