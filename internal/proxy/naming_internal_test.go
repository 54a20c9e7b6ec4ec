package proxy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
)

// newNaming is that of an app with these documents.
func newNaming(t *testing.T, documents ...policy.Document) naming {
	t.Helper()
	db, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	embedded, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	book, err := providers.Open(providers.Config{Store: db, Embedded: embedded, Build: all.Provider})
	if err != nil {
		t.Fatal(err)
	}
	prices, err := price.Open(price.Config{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	n := naming{providers: book, prices: prices}
	for _, d := range documents {
		n.permissions = append(n.permissions, pairing.Permission{Document: d})
	}
	return n
}

func (n naming) alias(t *testing.T, name string, targets ...string) {
	t.Helper()
	a := providers.Alias{Name: name}
	for _, text := range targets {
		target, err := providers.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		a.Targets = append(a.Targets, target)
	}
	if err := n.providers.SetAlias(a); err != nil {
		t.Fatal(err)
	}
}

func TestWhatANameStandsFor(t *testing.T) {
	t.Parallel()
	n := newNaming(t,
		policy.Document{Resource: "llm:openai", Models: []string{"gpt-4o*"}},
		policy.Document{Resource: "llm:openrouter"},
		policy.Document{Resource: "llm:ollama", Models: []string{"qwen3:8b", "gpt-4o-mini"}},
		policy.Document{Resource: "mail:resend"},
	)
	n.alias(t, "fast", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")
	for name, want := range map[string]string{
		"fast":                             "groq/llama-3.3-70b-versatile openai/gpt-4o-mini",
		"groq/llama-3.3-70b-versatile":     "groq/llama-3.3-70b-versatile", // whether granted or not: the policy says so
		"openai/gpt-4o":                    "openai/gpt-4o",
		"openrouter/openai/gpt-4o":         "openrouter/openai/gpt-4o",
		"gpt-4o-2024-08-06":                "openai/gpt-4o-2024-08-06",
		"qwen3:8b":                         "ollama/qwen3:8b",
		"meta-llama/llama-3.1-8b-instruct": "openrouter/meta-llama/llama-3.1-8b-instruct",
		"gpt-4o-mini":                      "several",
		"gpt-4.1":                          "none", // openai has it, and may not be asked for it
		"Fast":                             "none",
		"resend/x":                         "none",
		"/x":                               "none",
		"openai/":                          "none",
		"nobody/x":                         "none",
	} {
		targets, err := n.targets(name)
		got := make([]string, len(targets))
		for i, target := range targets {
			got[i] = target.String()
		}
		var denied *policy.Denied
		var ambiguous *plugins.Error
		switch {
		case errors.As(err, &denied) && denied.Code == policy.CodeModelNotAllowed:
			got = []string{"none"}
		case errors.As(err, &ambiguous) && strings.HasSuffix(ambiguous.Message, "write openai/gpt-4o-mini or ollama/gpt-4o-mini"):
			got = []string{"several"}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s stands for %q, want %q", name, got, want)
		}
	}
}

func TestTheOnlyProviderIsMeant(t *testing.T) {
	t.Parallel()
	n := newNaming(t, policy.Document{Resource: "llm:ollama"}, policy.Document{Resource: "mail:resend"})
	targets, err := n.targets("qwen3:8b")
	if err != nil || len(targets) != 1 || targets[0].String() != "ollama/qwen3:8b" {
		t.Errorf("%v, %v", targets, err)
	}
	if _, err := newNaming(t).targets("gpt-4o"); err == nil {
		t.Error("an app without permissions has a model")
	}
}

func TestListOfModels(t *testing.T) {
	t.Parallel()
	n := newNaming(t,
		policy.Document{Resource: "llm:openai", Models: []string{"gpt-4o*", "my-tune"}, DenyModels: []string{"*-2024-*"}},
		policy.Document{Resource: "llm:gone"}, policy.Document{Resource: "mail:resend"},
	)
	n.alias(t, "fast", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")
	n.alias(t, "slow", "groq/llama-3.3-70b-versatile")
	if got := n.list(func(t providers.Target) bool { _, ok := n.providers.Lookup(t.Resource); return ok }); !slices.Equal(got, []string{"fast", "openai/gpt-4o", "openai/gpt-4o-mini", "openai/my-tune"}) {
		t.Errorf("lists %q", got)
	}
}
