package vault

import (
	"errors"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		"https://api.openai.com/v1":      "https://api.openai.com/v1",
		"https://API.OpenAI.com/v1/":     "https://api.openai.com/v1",
		"https://api.perplexity.ai":      "https://api.perplexity.ai",
		"https://proxy.example:8443/a/b": "https://proxy.example:8443/a/b",
		"https://203.0.113.7/v1":         "https://203.0.113.7/v1",
		"http://127.0.0.1:11434/v1":      "http://127.0.0.1:11434/v1",
		"http://localhost:8080":          "http://localhost:8080",
		"http://[::1]:8080/v1":           "http://[::1]:8080/v1",
		"http://[::ffff:127.0.0.1]/v1":   "http://[::ffff:127.0.0.1]/v1",
	} {
		if got, err := cleanBaseURL(text); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"api.openai.com", "//api.openai.com", "/v1", "https://", "https:///v1", "https:api.openai.com", "ftp://a.example",
		"file:///etc/passwd", "HTTPS//a", "https://user@a.example", "https://user:pass@a.example", "https://@a.example",
		"https://a.example?", "https://a.example?x=1", "https://a.example#", "https://a.example/#x", "https://a.example/../b",
		"https://a.example/a/./b", "https://a.example//b", "https://a.example/%2e%2e/b", "https://a.example/a b", "https://a.example\\b",
		"https://a.example/\n", "https://a.example\x00", "https://é.example", "https://a.example:", "https://a.example:0", "https://a.example:65536",
		"https://a.example:x", "http://api.openai.com/v1", "http://8.8.8.8", "http://192.168.1.20/v1", "http://10.0.0.1", "http://[fd00::1]/v1", "http://169.254.169.254/latest", "http://0.0.0.0", "http://[::]",
		"http://[fe80::1%25eth0]/", "http://[::ffff:8.8.8.8]/", "http://127.1", "http://0x7f000001", "http://2130706433", "http://localhost.evil.example",
		"http://127.0.0.1.evil.example", "https://" + strings.Repeat("a", 512),
	} {
		var refused *CredentialError
		if got, err := cleanBaseURL(text); !errors.As(err, &refused) || got != "" {
			t.Errorf("%q was accepted as %q (%v)", text, got, err)
		}
	}
}

// FuzzBaseURL: what is accepted stays what it is, and is safe to send a key to
// as far as the text can tell.
func FuzzBaseURL(f *testing.F) {
	f.Add("https://api.openai.com/v1")
	f.Fuzz(func(t *testing.T, text string) {
		clean, err := cleanBaseURL(text)
		if err != nil || clean == "" {
			return
		}
		again, err := cleanBaseURL(clean)
		if err != nil || again != clean {
			t.Fatalf("%q became %q and then %q, %v", text, clean, again, err)
		}
		u, err := url.Parse(clean)
		if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" {
			t.Fatalf("accepted %q", text)
		}
		addr, err := netip.ParseAddr(u.Hostname())
		local := u.Hostname() == "localhost" || err == nil && addr.Unmap().IsLoopback()
		if u.Scheme != "https" && !local {
			t.Fatalf("accepted plain http in %q", text)
		}
	})
}

// FuzzKeyFile: only a file that would be written again the same is accepted.
func FuzzKeyFile(f *testing.F) {
	f.Add(formatKeyFile(make([]byte, keyFileBytes)))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := parseKeyFile(text)
		if err != nil {
			if !errors.Is(err, ErrWrongKeyFile) {
				t.Fatal(err)
			}
			return
		}
		line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if len(key) != keyFileBytes || string(formatKeyFile(key)) != line+"\n" {
			t.Fatalf("accepted %q", text)
		}
	})
}

func TestSeedsArePresent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"FuzzBaseURL", "FuzzKeyFile", "FuzzOpenBackupEnvelope", "FuzzRecoveryCode"} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", name, "*"))
		if err != nil || len(seeds) < 3 {
			t.Errorf("%s has %d seeds (%v), want at least 3", name, len(seeds), err)
		}
		for _, path := range seeds {
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				t.Errorf("seed %s: %v", path, err)
			}
		}
	}
}
