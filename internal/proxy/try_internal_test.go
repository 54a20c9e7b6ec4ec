package proxy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
)

// BenchmarkNextKey is what taking a key out of the vault costs, making the
// request that it is sent with, making an answer's headers, and giving it all
// back.
func BenchmarkNextKey(b *testing.B) {
	p := &Proxy{cfg: Config{Clock: time.Now, Vault: openedVault(b)}, keys: newKeyring(time.Now, func(int) int { return 0 })}
	providers, err := all.Providers()
	if err != nil {
		b.Fatal(err)
	}
	registry, err := plugins.NewRegistry(providers)
	if err != nil {
		b.Fatal(err)
	}
	provider, _ := registry.Lookup(resource)
	call, err := provider.Describe(plugins.Request{
		Method: "POST", Path: "/v1/chat/completions", Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body: []byte(question),
	})
	if err != nil {
		b.Fatal(err)
	}
	answered := http.Header{"Content-Type": {"application/json"}, "Date": {"Sat, 21 Nov 2026 10:00:00 GMT"}, "X-Request-Id": {"req_5f0c1e5cbb6f4bfc"}}
	b.ReportAllocs()
	for b.Loop() {
		x := &exchange{
			p: p, request: &http.Request{}, ctx: context.Background(), entry: &entry{}, body: &body{},
			aim:    aim{resource: resource, provider: provider, call: call, permission: pairing.Permission{Document: policy.Document{MaxOutputTokens: 1}}},
			caller: pairing.Caller{App: pairing.App{ID: "app_one"}},
		}
		t, err := x.nextKey()
		if err != nil {
			b.Fatal(err)
		}
		x.p.keys.heard(t.key.ID, x.caller.App.ID, t.model, keyServed, 0)
		x.scrub = newScrubber(t.secret.Bytes())
		x.answerHeader(answered, x.scrub)
		x.scrub.forget()
		x.leave(t)
	}
}

// openedVault holds one key, for a server at an address of its own.
func openedVault(tb testing.TB) *vault.Vault {
	tb.Helper()
	st, err := store.Open(store.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = st.Close() })
	v, err := vault.New(vault.Config{Store: st, Argon2: vault.Argon2Params{MemoryKiB: 8, Passes: 1, Threads: 1}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := v.Init([]byte("a passphrase of the owner's")); err != nil {
		tb.Fatal(err)
	}
	_, err = v.AddCredential(vault.NewCredential{
		Resource: resource, Label: "test", BaseURL: "http://127.0.0.1:9/v1", Secret: vault.NewSecret([]byte(canary)), AllowPrivate: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
