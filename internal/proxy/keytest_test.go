package proxy

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

func TestKeyTest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		fault  openaifake.Fault
		ok     bool
		status int
		says   string
	}{
		{"good", openaifake.Fault{}, true, 200, "works"},
		{"refused", openaifake.Fault{Status: 401}, false, 401, "does not accept"},
		{"in trouble", openaifake.Fault{Status: 500}, false, 500, "later"},
		{"hanging", openaifake.Fault{Hang: true}, false, 0, "reached"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, with(func(c *Config) {
				if row.fault.Hang {
					c.Timeouts.Test = 200 * time.Millisecond
				}
			}))
			b.fake.Script(row.fault)
			got, err := b.proxy.TestKey(t.Context(), b.keyID)
			b.must(err)
			if got.OK != row.ok || got.Status != row.status || !strings.Contains(got.Words, row.says) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestKeyTestFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/"+r.Header.Get("Authorization"), http.StatusFound)
	}))
	got, err := b.proxy.TestKey(t.Context(), b.keyID)
	b.must(err)
	if got.OK || got.Status != 302 || strings.Contains(got.Words, canary) || b.reached() != 1 {
		t.Errorf("%+v after %d calls", got, b.reached())
	}
}

func TestKeyTestRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.proxy.TestKey(t.Context(), "key_unknown"); !errors.Is(err, vault.ErrNoCredential) {
		t.Errorf("unknown key: %v", err)
	}
	b.vault.Lock()
	if _, err := b.proxy.TestKey(t.Context(), b.keyID); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	if b.reached() != 0 {
		t.Error("the provider was called")
	}
}

func TestReportHidesTheKey(t *testing.T) {
	t.Parallel()
	r := report(KeyReport{Status: 401, Words: "bad key " + canary}, vault.NewSecret([]byte(canary)))
	if strings.Contains(r.Words, canary) {
		t.Error("the key is in the report")
	}
}
