package providers

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	maxAliases    = 256
	maxTargets    = 8
	maxAliasBytes = 64
	maxModelBytes = 200
)

// ErrAlias says that an alias cannot be used; the error says why.
var ErrAlias = errors.New("this alias cannot be used")

// Alias is the owner's name for a model, with others to fall back to.
type Alias struct {
	// Name is what apps write as the model, such as "fast".
	Name string `json:"name"`
	// Targets are 1 to 8 models in the order of trying.
	Targets []Target `json:"targets"`
}

// Target is a model of a provider.
type Target struct {
	// Resource is the provider's, such as llm:groq.
	Resource string `json:"resource"`
	// Model is the provider's own name for it.
	Model string `json:"model"`
}

// String is the form apps and owners write: groq/llama-3.3-70b-versatile.
func (t Target) String() string { return strings.TrimPrefix(t.Resource, "llm:") + "/" + t.Model }

// ParseTarget reads provider/model: what is before the first slash names the
// provider llm:<it>, the rest is the model. Error: ErrAlias.
func ParseTarget(text string) (Target, error) {
	provider, model, ok := strings.Cut(text, "/")
	if !ok || provider == "" || strings.ContainsAny(provider, ":") || !modelName(model) {
		return Target{}, fmt.Errorf("%w: a target is provider/model, such as groq/llama-3.3-70b-versatile", ErrAlias)
	}
	return Target{Resource: "llm:" + provider, Model: model}, nil
}

// modelName holds a model's name to visible ASCII.
func modelName(name string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return name != "" && len(name) <= maxModelBytes && !strings.ContainsFunc(name, odd)
}

// SetAlias stores an alias, or replaces the one of that name. Errors: ErrAlias,
// those of the store.
func (b *Book) SetAlias(a Alias) error {
	if err := b.checkAlias(a); err != nil {
		return err
	}
	a.Targets = slices.Clone(a.Targets)
	return b.changeAliases(func(all map[string]Alias) error {
		if _, there := all[a.Name]; !there && len(all) >= maxAliases {
			return fmt.Errorf("%w: there are %d already, which is the most", ErrAlias, maxAliases)
		}
		all[a.Name] = a
		return nil
	}, func(tx *store.Tx) error { return aliasRecords.Put(tx, a.Name, a) })
}

// RemoveAlias forgets an alias. Errors: ErrUnknown, those of the store.
func (b *Book) RemoveAlias(name string) error {
	return b.changeAliases(func(all map[string]Alias) error {
		if _, there := all[name]; !there {
			return ErrUnknown
		}
		delete(all, name)
		return nil
	}, func(tx *store.Tx) error { return aliasRecords.Delete(tx, name) })
}

// changeAliases writes and then shows what is new.
func (b *Book) changeAliases(change func(map[string]Alias) error, write func(*store.Tx) error) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	after := maps.Clone(b.aliases)
	if after == nil {
		after = map[string]Alias{}
	}
	if err := change(after); err != nil {
		return err
	}
	if err := b.cfg.Store.Update(write); err != nil {
		return fmt.Errorf("storing alias: %w", err)
	}
	b.aliases = after
	next := *b.now.Load()
	next.aliases = after
	b.now.Store(&next)
	return nil
}

// checkAlias refuses names that could be taken for a provider's model and
// targets there is no provider for.
func (b *Book) checkAlias(a Alias) error {
	switch {
	case len(a.Name) > maxAliasBytes || !modelName(a.Name) || strings.Contains(a.Name, "/"):
		return fmt.Errorf("%w: its name must be 1 to %d visible characters without a slash", ErrAlias, maxAliasBytes)
	case len(a.Targets) == 0 || len(a.Targets) > maxTargets:
		return fmt.Errorf("%w: it must have 1 to %d targets", ErrAlias, maxTargets)
	}
	for i, t := range a.Targets {
		_, known := b.Lookup(t.Resource)
		switch {
		case !known:
			return fmt.Errorf("%w: there is no provider %s", ErrAlias, t.Resource)
		case !modelName(t.Model):
			return fmt.Errorf("%w: target %d names no model", ErrAlias, i+1)
		case slices.Contains(a.Targets[:i], t):
			return fmt.Errorf("%w: %s is listed twice", ErrAlias, t)
		}
	}
	return nil
}

// Alias finds an alias; names are compared exactly.
func (b *Book) Alias(name string) (Alias, bool) {
	a, ok := b.now.Load().aliases[name]
	return a, ok
}

// Aliases lists the aliases by name.
func (b *Book) Aliases() []Alias {
	all := slices.Collect(maps.Values(b.now.Load().aliases))
	slices.SortFunc(all, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Words lists the targets in the order of trying.
func (a Alias) Words() string {
	all := make([]string, len(a.Targets))
	for i, t := range a.Targets {
		all[i] = t.String()
	}
	return strings.Join(all, ", then ")
}
