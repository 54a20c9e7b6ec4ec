package client_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/client"
)

// testCode is 256 bits, base64url.
const testCode = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"

func TestPairingStrings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text, issuer string // no issuer: refused
	}{
		{"pair::https://keys.example::" + testCode, "https://keys.example"},
		{"pair::https://keys.example:8443::" + testCode, "https://keys.example:8443"},
		{"  pair::https://keys.example::" + testCode + "\r\n", "https://keys.example"},
		{"pair::http://127.0.0.1:8787::" + testCode, "http://127.0.0.1:8787"},
		{"pair::http://127.9.9.9:8787::" + testCode, "http://127.9.9.9:8787"},
		{"pair::http://localhost:8787::" + testCode, "http://localhost:8787"},
		{"pair::http://[::1]:8787::" + testCode, "http://[::1]:8787"},
		{"pair::https://[2001:db8::1]::" + testCode, "https://[2001:db8::1]"},

		{"", ""},
		{"pair", ""},
		{"pair::", ""},
		{"PAIR::https://keys.example::" + testCode, ""},
		{"https://keys.example::" + testCode, ""},
		{"pair::https://keys.example", ""},
		{"pair::https://keys.example::", ""},
		{"pair::https://keys.example::" + testCode[:42], ""},
		{"pair::https://keys.example::" + testCode + "A", ""},
		{"pair::https://keys.example::" + testCode + "=", ""},
		{"pair::https://keys.example::" + testCode[:42] + "F", ""}, // stray bits
		{"pair::https://keys.example::" + testCode[:20] + "\n" + testCode[20:], ""},
		{"pair::https://keys.example::" + testCode[:42] + "+", ""},
		{"pair::https://keys.example::" + testCode + "::" + testCode, ""},
		{"pair::https://keys.example/::" + testCode, ""},
		{"pair::https://keys.example/kw::" + testCode, ""},
		{"pair::https://keys.example?::" + testCode, ""},
		{"pair::https://keys.example?a::" + testCode, ""},
		{"pair::https://keys.example#::" + testCode, ""},
		{"pair::https://user@keys.example::" + testCode, ""},
		{"pair::https://@keys.example::" + testCode, ""},
		{"pair::https://KEYS.example::" + testCode, ""},
		{"pair::HTTPS://keys.example::" + testCode, ""},
		{"pair::https://keys.example:443::" + testCode, ""},
		{"pair::https://keys.example:::" + testCode, ""},
		{"pair::https://keys.example:x::" + testCode, ""},
		{"pair::https://kéys.example::" + testCode, ""},
		{"pair::https://::" + testCode, ""},
		{"pair::keys.example::" + testCode, ""},
		{"pair::ftp://keys.example::" + testCode, ""},
		{"pair::https:keys.example::" + testCode, ""},
		{"pair::http://keys.example::" + testCode, ""},
		{"pair::http://127.0.0.1.example::" + testCode, ""},
		{"pair::http://localhost.example::" + testCode, ""},
		{"pair::http://192.168.1.2:8787::" + testCode, ""},
		{"pair::http://0.0.0.0:8787::" + testCode, ""},
	} {
		parsed, err := client.ParsePairingString(row.text)
		switch {
		case row.issuer == "" && !errors.Is(err, client.ErrPairingString):
			t.Errorf("%q: %v, want ErrPairingString", row.text, err)
		case row.issuer == "" && strings.Contains(err.Error(), testCode[:20]):
			t.Errorf("%q: the error shows the code: %v", row.text, err)
		case row.issuer != "" && (err != nil || parsed.Issuer() != row.issuer):
			t.Errorf("%q: %v %v, want %s", row.text, parsed.Issuer(), err, row.issuer)
		case strings.Contains(fmt.Sprintf("%v %+v %#v", parsed, parsed, parsed), testCode):
			t.Errorf("%q: printing shows the code", row.text)
		}
	}
}

func FuzzPairingString(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := client.ParsePairingString(text)
		if err != nil {
			if !errors.Is(err, client.ErrPairingString) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		// What is accepted has one spelling, apart from the space around it.
		if !strings.HasPrefix(strings.TrimSpace(text), "pair::"+parsed.Issuer()+"::") {
			t.Fatalf("%q names %q", text, parsed.Issuer())
		}
		again, err := client.ParsePairingString("pair::" + parsed.Issuer() + "::" + testCode)
		if err != nil || again.Issuer() != parsed.Issuer() {
			t.Fatalf("%q: issuer %q is accepted once and not again: %v", text, parsed.Issuer(), err)
		}
	})
}

// FuzzErrorBody: whatever a gateway or provider answers makes a readable error.
func FuzzErrorBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, body, challenge string) {
		var failure *client.APIError
		if !errors.As(client.ResponseError(response(403, body, "WWW-Authenticate", challenge)), &failure) {
			t.Fatal("no error")
		}
		if text := failure.Error(); strings.ContainsAny(text, "\n\r\x1b\x00") || len(text) > 20_000 {
			t.Fatalf("unfit for a log: %q", text)
		}
	})
}

// TestSeeds: a fuzz target without seeds finds nothing in a test run.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for target, least := range map[string]int{"FuzzPairingString": 6, "FuzzErrorBody": 6} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
		if err != nil || len(seeds) < least {
			t.Errorf("%s has %d seeds, want at least %d", target, len(seeds), least)
		}
		for _, seed := range seeds {
			data, err := os.ReadFile(seed)
			if err != nil || !strings.HasPrefix(string(data), "go test fuzz v1\n") {
				t.Errorf("%s is not a seed", seed)
			}
		}
	}
}
