package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

func publicOnly(o *options) { o.publicOnly = true }

// The address that a connection is made to counts, whatever the name is.
func TestPrivateAddressesNeedTheOwnersYes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, publicOnly, behind(func(http.ResponseWriter, *http.Request) {}))
			b.must(b.vault.RemoveCredential(b.keyID))
			_, port, _ := strings.Cut(strings.TrimPrefix(b.upstreamURL, "http://"), ":")
			key, err := b.vault.AddCredential(vault.NewCredential{
				Resource: resource, Label: "near", BaseURL: "http://" + name + ":" + port, Secret: vault.NewSecret([]byte(canary)),
			})
			b.must(err)
			a := limitedApp(b)
			got := a.post(question)
			if got.status != 502 || got.code() != "upstream_error" || !strings.Contains(string(got.body), "private address") || got.header.Get("X-Should-Retry") != "false" {
				t.Errorf("%d: %s", got.status, got.body)
			}
			report, err := b.proxy.TestKey(t.Context(), key.ID)
			b.must(err)
			if report.OK || !strings.Contains(report.Words, "--allow-private") {
				t.Errorf("%+v", report)
			}
			if used, held := a.used(); used != 0 || held != 0 || b.reached() != 0 {
				t.Errorf("used %d, held %d, reached %d", used, held, b.reached())
			}
		})
	}
}

// What chooses who pays is the owner's, and goes with the key.
func TestTheOwnersHeadersGoWithTheKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(b.vault.RemoveCredential(b.keyID))
	_, err := b.vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: "paid", BaseURL: b.upstreamURL, AllowPrivate: true, Secret: vault.NewSecret([]byte(canary)),
		Headers: map[string]string{"OpenAI-Organization": "org-1"},
	})
	b.must(err)
	r := b.pair(policy.Document{Resource: resource}).request("POST", chatPath, question)
	r.Header.Set("OpenAI-Organization", "org-of-the-app")
	if got := b.do(r); got.status != http.StatusOK {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	seen := b.fake.Requests()[0]
	if got := seen.Header.Values("OpenAI-Organization"); len(got) != 1 || got[0] != "org-1" {
		t.Errorf("the organisation is %q", got)
	}
}
