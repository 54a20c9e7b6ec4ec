package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	secret := NewSecret([]byte(canary))
	type holder struct {
		Shown  Secret
		hidden Secret
		Ptr    *Secret
	}
	held := holder{secret, secret, &secret}
	_ = held.hidden
	var out bytes.Buffer
	for _, value := range []any{secret, &secret, held, &held, []Secret{secret}, map[string]Secret{"a": secret}, errors.Join(fmt.Errorf("%v", secret))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%o", "%b", "%U", "%t", "%e", "%p", "%w"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		fmt.Fprintln(&out, value)
		if raw, err := json.Marshal(value); err == nil {
			out.Write(raw)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("message", "value", value)
		}
	}
	text, err := secret.MarshalText()
	must(t, err)
	out.Write(text)
	out.WriteString(secret.String() + secret.GoString())
	for name, needle := range map[string]string{
		"text":         canary,
		"hexadecimal":  fmt.Sprintf("%x", canary[:6]),
		"HEXADECIMAL":  fmt.Sprintf("%X", canary[:6]),
		"decimal list": strings.Trim(fmt.Sprint([]byte(canary[:6])), "[]"),
		"Go list":      strings.TrimPrefix(strings.TrimSuffix(fmt.Sprintf("%#v", []byte(canary[:6])), "}"), "[]byte{"),
		"octal":        strings.Trim(fmt.Sprintf("%o", []byte(canary[:6])), "[]"),
	} {
		if strings.Contains(out.String(), needle) {
			t.Errorf("the secret shows as %s", name)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says [redacted]")
	}
}

func TestSecretZero(t *testing.T) {
	t.Parallel()
	raw := []byte(canary)
	secret := NewSecret(raw)
	other := secret
	secret.Zero()
	if !bytes.Equal(raw, make([]byte, len(raw))) || !bytes.Equal(other.Bytes(), raw) {
		t.Error("bytes are left")
	}
	var none Secret
	none.Zero()
	if none.Bytes() != nil || none.String() != "[redacted]" {
		t.Error("the empty secret is not empty")
	}
}
