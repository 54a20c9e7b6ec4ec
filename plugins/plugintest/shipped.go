package plugintest

import (
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// Shipped builds a provider of the manifest that ships with the gateway.
func Shipped[P plugins.Provider](t testing.TB, id string, build func(plugins.Manifest) (P, error)) P {
	t.Helper()
	manifests, err := plugins.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		if m.ID != id {
			continue
		}
		p, err := build(m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Fatalf("no manifest %s", id)
	panic("unreachable")
}
