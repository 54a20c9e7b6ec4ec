package providers_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/all"
)

const house = `{
  "id": "llm:house", "title": "House", "base_url": "https://llm.house.example/v1", "dialect": "openai",
  "credential": {"header": "Authorization", "prefix": "Bearer "},
  "actions": [{"name": "chat.completions", "method": "POST", "path": "/chat/completions"}]
}`

// shelf is a book on a real store that can be opened again.
type shelf struct {
	*providers.Book
	t     *testing.T
	dir   string
	store *store.Store
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, dir: t.TempDir()}
	s.open()
	t.Cleanup(func() { _ = s.store.Close() })
	return s
}

func (s *shelf) open() {
	s.t.Helper()
	var err error
	if s.store, err = store.Open(store.Config{Dir: s.dir}); err != nil {
		s.t.Fatal(err)
	}
	embedded, err := all.Providers()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.Book, err = providers.Open(providers.Config{Store: s.store, Embedded: embedded, Build: all.Provider}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) reopen() {
	s.t.Helper()
	if err := s.store.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestAnOwnersProviderComesAndGoes(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var changed []string
	s.Watch(func(id string) {
		_, listed := s.Lookup(id)
		changed = append(changed, id+map[bool]string{true: " listed", false: " gone"}[listed])
	})
	before := len(s.All())
	added, err := s.Add([]byte(house), providers.Consent{})
	if err != nil || !added.Own || added.Replaces || added.Manifest.Title != "House" {
		t.Fatalf("added %+v: %v", added, err)
	}
	_, err = s.Add([]byte(house), providers.Consent{})
	is(t, err, providers.ErrExists)
	s.reopen()
	if _, ok := s.Lookup("llm:house"); !ok || len(s.All()) != before+1 {
		t.Error("the provider did not outlive the process")
	}
	if text, err := s.Text("llm:house"); err != nil || string(text) != house {
		t.Errorf("exported %q, %v", text, err)
	}
	s.Watch(func(id string) { changed = append(changed, id) })
	if err := s.Remove("llm:house"); err != nil {
		t.Fatal(err)
	}
	is(t, s.Remove("llm:house"), providers.ErrUnknown)
	if _, ok := s.Lookup("llm:house"); ok {
		t.Error("a removed provider is still listed")
	}
	if strings.Join(changed, ", ") != "llm:house listed, llm:house" {
		t.Errorf("watchers were told %q", changed)
	}
}

func TestAnOwnersProviderStandsInOnPurposeOnly(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	mine := strings.ReplaceAll(house, "llm:house", "llm:openai")
	_, err := s.Add([]byte(mine), providers.Consent{})
	is(t, err, providers.ErrExists)
	is(t, s.Remove("llm:openai"), providers.ErrEmbedded)
	if e, err := s.Add([]byte(mine), providers.Consent{Replace: true}); err != nil || !e.Replaces {
		t.Fatalf("replaced: %+v, %v", e, err)
	}
	base := func() string { p, _ := s.Lookup("llm:openai"); return p.Manifest().BaseURL }
	if base() != "https://llm.house.example/v1" {
		t.Errorf("llm:openai is at %s", base())
	}
	if err := s.Remove("llm:openai"); err != nil {
		t.Fatal(err)
	}
	if base() != "https://api.openai.com/v1" {
		t.Errorf("the provider that ships did not come back: %s", base())
	}
}

func TestWhatCannotBeAdded(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	private := strings.Replace(house, `"dialect"`, `"allow_private": true, "dialect"`, 1)
	for name, row := range map[string]struct {
		text string
		want func(error) bool
	}{
		"not JSON":     {"{", manifestError("")},
		"odd member":   {strings.Replace(house, `"title"`, `"titel"`, 1), manifestError("titel")},
		"dialect":      {strings.Replace(house, `"openai"`, `"esperanto"`, 1), manifestError("dialect")},
		"private":      {private, func(err error) bool { return errors.Is(err, providers.ErrPrivate) }},
		"plain http":   {strings.Replace(house, "https:", "http:", 1), manifestError("base_url")},
		"wrong action": {strings.Replace(house, "/chat/completions", "/chat/../admin", 1), manifestError("actions.0.path")},
	} {
		before := len(s.Entries())
		if _, err := s.Add([]byte(row.text), providers.Consent{}); !row.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if len(s.Entries()) != before {
			t.Errorf("%s: it was added all the same", name)
		}
	}
	if _, err := s.Add([]byte(private), providers.Consent{Private: true}); err != nil {
		t.Errorf("with the owner's yes: %v", err)
	}
}

func manifestError(member string) func(error) bool {
	return func(err error) bool {
		var bad *plugins.ManifestError
		return errors.As(err, &bad) && bad.Member == member
	}
}

func TestExportsCanBeAdded(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for _, e := range s.Entries() {
		text, err := s.Text(e.Manifest.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(text, providers.Consent{Replace: true, Private: true}); err != nil {
			t.Errorf("%s: %v in\n%s", e.Manifest.ID, err, text)
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	target := func(text string) providers.Target {
		parsed, err := providers.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	first := target("openai/gpt-4o-mini")
	fast := providers.Alias{Name: "fast", Targets: []providers.Target{first, {Resource: "llm:openai", Model: "org/model:free"}}}
	if err := s.SetAlias(fast); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	got, ok := s.Alias("fast")
	if !ok || len(got.Targets) != 2 || got.Targets[0] != first || got.Targets[1].String() != "openai/org/model:free" {
		t.Errorf("read back %+v", got)
	}
	if _, ok := s.Alias("Fast"); ok {
		t.Error("names are compared exactly")
	}
	for name, wrong := range map[string]providers.Alias{
		"slash":       {Name: "a/b", Targets: fast.Targets},
		"space":       {Name: "a b", Targets: fast.Targets},
		"none":        {Name: "x"},
		"no provider": {Name: "x", Targets: []providers.Target{{Resource: "llm:nowhere", Model: "m"}}},
		"twice":       {Name: "x", Targets: []providers.Target{first, first}},
	} {
		if err := s.SetAlias(wrong); !errors.Is(err, providers.ErrAlias) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.RemoveAlias("fast"); err != nil {
		t.Fatal(err)
	}
	is(t, s.RemoveAlias("fast"), providers.ErrUnknown)
	for _, text := range []string{"", "gpt-4o", "/m", "openai/", "llm:openai/m", "openai/a b"} {
		if _, err := providers.ParseTarget(text); !errors.Is(err, providers.ErrAlias) {
			t.Errorf("%q is a target: %v", text, err)
		}
	}
}

func TestLookingWhileChanging(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, ok := s.Lookup("llm:openai"); !ok {
					t.Error("a provider is gone for a moment")
					return
				}
				s.Aliases()
			}
		})
	}
	mine := strings.ReplaceAll(house, "llm:house", "llm:openai")
	for range 20 {
		if _, err := s.Add([]byte(mine), providers.Consent{Replace: true}); err != nil {
			t.Error(err)
		}
		if err := s.Remove("llm:openai"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wait.Wait()
}
