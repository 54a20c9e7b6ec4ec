package policy

import (
	"strings"
	"testing"
)

func TestIsOrigin(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://app.example", "https://app.example:8443", "https://xn--bcher-kva.example", "https://192.0.2.1", "https://[2001:db8::1]:8443",
		"http://localhost", "http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173",
	} {
		if !isOrigin(text) {
			t.Errorf("%s is not taken", text)
		}
	}
	for _, text := range []string{
		"", "*", "null", "https://", "https://*", "https://*.example", "https://App.example", "HTTPS://app.example", "https://app.example/",
		"https://app.example/x", "https://app.example:443", "https://app.example:", "https://app.example:0", "https://app.example:123456",
		"https://app.example?x", "https://u@app.example", "https://.example", "https://a..example", "https://127.1", "https://0x7f",
		"http://app.example", "http://localhost:80", "http://localhost.example", "http://192.0.2.1", "https://[::0001]", "https://::1",
		"ws://app.example", "file://", "chrome-extension://abcdef", "https://bücher.example", "https://a.example https://b.example",
		"https://" + strings.Repeat("a", 256),
	} {
		if isOrigin(text) {
			t.Errorf("%s is taken", text)
		}
	}
}
