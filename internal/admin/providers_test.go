package admin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/audit"
)

const house = `{"id": "llm:house", "title": "House", "base_url": "https://llm.house.example/v1", "dialect": "openai",
  "credential": {"header": "Authorization", "prefix": "Bearer "},
  "actions": [{"name": "models.list", "method": "GET", "path": "/models"}]}`

func TestProvidersOverTheSocket(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	planned, err := d.AddProvider(ctx, admin.ProviderInput{Manifest: house, DryRun: true})
	check(t, err)
	if len(planned.Opens) != 1 || planned.Opens[0].Path != "/r/llm/house/models" || planned.Opens[0].Upstream != "https://llm.house.example/v1/models" {
		t.Errorf("would open %+v", planned.Opens)
	}
	_, err = d.Provider(ctx, "llm:house")
	refusedWith(t, err, admin.CodeNoProvider)

	added, err := d.AddProvider(ctx, admin.ProviderInput{Manifest: house})
	check(t, err)
	shown, err := d.Provider(ctx, "llm:house")
	check(t, err)
	if !added.Own || shown.Manifest.Title != "House" || shown.Keys != 0 {
		t.Errorf("added %+v, shown %+v", added, shown)
	}
	text, err := d.Manifest(ctx, "llm:house")
	check(t, err)
	if text != house {
		t.Errorf("exported %q", text)
	}
	_, err = d.AddProvider(ctx, admin.ProviderInput{Manifest: house})
	refusedWith(t, err, admin.CodeProviderExists)
	_, err = d.AddProvider(ctx, admin.ProviderInput{Manifest: strings.Replace(house, "models.list", "models.burn", 1), Replace: true})
	refusedWith(t, err, admin.CodeInvalidManifest)
	_, err = d.RemoveProvider(ctx, "llm:openai")
	refusedWith(t, err, admin.CodeProviderEmbedded)
	_, err = d.RemoveProvider(ctx, "llm:house")
	check(t, err)
	_, err = d.Manifest(ctx, "llm:house")
	refusedWith(t, err, admin.CodeNoProvider)

	events, err := d.audit.Tail(2)
	check(t, err)
	if events[0].Kind != audit.ProviderAdded || events[1].Kind != audit.ProviderRemoved || events[1].Resource != "llm:house" {
		t.Errorf("recorded %+v", events)
	}
}

// What an app gains by a manifest is told before it is added, and with it.
func TestWhoGainsByAProvider(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	d.setUp(t)
	_, err := d.Approve(ctx, d.ask(t, "Notes", asksOpenAI).ID, admin.ApproveInput{})
	check(t, err)
	wider := strings.NewReplacer("llm:house", "llm:openai", "models.list", "models.burn", `"openai",`, `"http",`).Replace(house)
	for _, dry := range []bool{true, false} {
		p, err := d.AddProvider(ctx, admin.ProviderInput{Manifest: wider, Replace: true, DryRun: dry})
		check(t, err)
		if len(p.Gains) != 1 || p.Gains[0].AppName != "Notes" || strings.Join(p.Gains[0].Actions, " ") != "models.burn" {
			t.Errorf("dry %t: %+v", dry, p.Gains)
		}
	}
	p, err := d.AddProvider(ctx, admin.ProviderInput{Manifest: wider, Replace: true, DryRun: true})
	check(t, err)
	if len(p.Gains) != 0 {
		t.Errorf("gained once more: %+v", p.Gains)
	}
	gone, err := d.RemoveProvider(ctx, "llm:openai") // and the one that ships has its place again
	check(t, err)
	if len(gone.Gains) != 1 || gone.Gains[0].AppName != "Notes" || !slices.Contains(gone.Gains[0].Actions, "embeddings") || slices.Contains(gone.Gains[0].Actions, "models.burn") {
		t.Errorf("without it: %+v", gone.Gains)
	}
}

func TestAliasesOverTheSocket(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	_, err := d.SetAlias(ctx, admin.AliasInput{Name: "fast", Targets: []string{"gpt-4o"}})
	refusedWith(t, err, admin.CodeInvalidAlias)
	_, err = d.SetAlias(ctx, admin.AliasInput{Name: "fast", Targets: []string{"openai/gpt-4o-mini"}})
	check(t, err)
	all, err := d.Aliases(ctx)
	check(t, err)
	if len(all) != 1 || all[0].Targets[0] != "openai/gpt-4o-mini" {
		t.Errorf("listed %+v", all)
	}
	check(t, d.RemoveAlias(ctx, "fast"))
	refusedWith(t, d.RemoveAlias(ctx, "fast"), admin.CodeNoAlias)
}

func TestKeysAreArranged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := t.Context()
	check(t, d.Init(ctx, admin.InitInput{Passphrase: "correct horse battery"}))
	key, err := d.AddKey(ctx, admin.KeyInput{
		Resource: "llm:openai", Label: "work", Secret: "sk-x", Rank: 2, Weight: 3,
		Headers: map[string]string{"OpenAI-Organization": "org-1"}, AllowPrivate: true,
	})
	check(t, err)
	if key.Rank != 2 || key.Weight != 3 || key.Headers["Openai-Organization"] != "org-1" || !key.AllowPrivate {
		t.Errorf("added %+v", key)
	}
	_, err = d.ArrangeKey(ctx, "work", admin.Arrangement{Draining: true})
	check(t, err)
	if key, err = d.Key(ctx, "llm:openai"); err != nil || !key.Draining || key.Rank != 0 {
		t.Errorf("arranged %+v, %v", key, err)
	}
	_, err = d.ArrangeKey(ctx, "work", admin.Arrangement{Rank: -1})
	refusedWith(t, err, admin.CodeInvalidRequest)
}

func refusedWith(t *testing.T, err error, code admin.Code) {
	t.Helper()
	if !errors.Is(err, &admin.Error{Code: code}) {
		t.Errorf("got %v, want a refusal with %s", err, code)
	}
}
