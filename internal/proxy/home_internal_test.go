package proxy

import (
	"errors"
	"testing"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// Whoever can change where a provider is has not been given its key.
func TestAKeyGoesWhereItWasGivenFor(t *testing.T) {
	t.Parallel()
	const here, elsewhere = "https://api.example.com/v1", "https://elsewhere.example/v1"
	keyed := plugins.Credential{Header: "Authorization"}
	for name, row := range map[string]struct {
		manifest plugins.Manifest
		key      vault.Credential
		want     string // empty: refused
	}{
		"at home":         {plugins.Manifest{BaseURL: here, Credential: keyed}, vault.Credential{Home: here}, here + "/x"},
		"at its side":     {plugins.Manifest{BaseURL: here, Below: "/openai", Credential: keyed}, vault.Credential{Home: here}, here + "/openai/x"},
		"its own address": {plugins.Manifest{BaseURL: here, Credential: keyed}, vault.Credential{BaseURL: elsewhere}, elsewhere + "/x"},
		"no key":          {plugins.Manifest{BaseURL: here, Credential: plugins.Credential{None: true}}, vault.Credential{}, here + "/x"},
		"provider moved":  {plugins.Manifest{BaseURL: elsewhere, Credential: keyed}, vault.Credential{Home: here}, ""},
		"never said":      {plugins.Manifest{BaseURL: here, Credential: keyed}, vault.Credential{}, ""},
	} {
		got, err := target(row.manifest, row.key, "/x")
		switch {
		case row.want == "" && !errors.Is(err, errKeyMoved):
			t.Errorf("%s: goes to %v, %v", name, got, err)
		case row.want != "" && (err != nil || got.String() != row.want):
			t.Errorf("%s: goes to %v, %v, want %s", name, got, err, row.want)
		}
	}
}
