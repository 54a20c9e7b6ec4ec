package all

import (
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

func TestProviders(t *testing.T) {
	t.Parallel()
	providers, err := Providers()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := plugins.NewRegistry(providers)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := registry.Lookup("llm:openai"); !ok {
		t.Error("llm:openai is missing")
	}
}

func TestProviderRefusesAnUnknownDialect(t *testing.T) {
	t.Parallel()
	p, err := Provider(plugins.Manifest{ID: "llm:x", Dialect: "klingon"})
	if err == nil || p != nil {
		t.Errorf("got %v, %v", p, err)
	}
	p, err = Provider(plugins.Manifest{Dialect: "openai", Actions: []plugins.Action{{Name: "x"}}})
	if err == nil || p != nil {
		t.Errorf("got %v, %v", p, err)
	}
}
