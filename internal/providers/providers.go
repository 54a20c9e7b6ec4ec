// Package providers is the list of services the gateway can reach: the
// manifests it ships with, those the owner has added, and the names (aliases)
// the owner has given to models.
//
// It guarantees that what is listed has been read strictly and can be spoken
// to: a manifest that is malformed, or names a dialect there is no code for,
// is refused when it is given and nothing changes. Whoever looks something up
// sees the state before a change or after it, never a part of it.
//
// It refuses to let one manifest stand in for another unless the owner says
// so, and a manifest that reaches into a private network unless the owner says
// so. It never sees a key.
//
//	embedded manifests ─┐
//	                    ├─▶ Registry, replaced as a whole on each change
//	the owner's (store) ┘
package providers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/plugins"
)

// maxOwn bounds the owner's manifests.
const maxOwn = 256

var (
	// ErrUnknown says that there is no such provider, or alias.
	ErrUnknown = errors.New("there is no such provider")
	// ErrExists says that a provider of that id is listed already.
	ErrExists = errors.New("a provider with this id is listed already; replace it on purpose, or choose another id")
	// ErrEmbedded says that a provider ships with the gateway and cannot be
	// removed; without a key nothing is sent to it.
	ErrEmbedded = errors.New("this provider ships with the gateway and cannot be removed; without a key nothing is sent to it")
	// ErrPrivate says that a manifest asks for private addresses and the owner
	// has not agreed.
	ErrPrivate = errors.New("this manifest reaches into a private network; agree to that on purpose")
	// ErrTooMany says that there is no room for one more.
	ErrTooMany = fmt.Errorf("at most %d providers can be added", maxOwn)
)

// Config says what a book of providers is made of.
type Config struct {
	// Store keeps the owner's manifests and aliases; required.
	Store *store.Store
	// Embedded are the providers that ship with the gateway.
	Embedded []plugins.Provider
	// Build makes a provider of a manifest; required. Its errors are shown to
	// the owner.
	Build func(plugins.Manifest) (plugins.Provider, error)
	// Clock is the time source; default time.Now.
	Clock func() time.Time
}

// Book is the list of providers. Its methods may be called concurrently.
type Book struct {
	cfg Config

	changing sync.Mutex
	embedded map[string]plugins.Provider
	own      map[string]ownRecord // guarded by changing, as are the next two
	aliases  map[string]Alias
	watchers []func(id string)

	now atomic.Pointer[state]
}

// state is what there is at one time; it does not change.
type state struct {
	registry *plugins.Registry
	sides    map[string]plugins.Provider // in OpenAI's dialect, by id
	entries  []Entry
	aliases  map[string]Alias
}

// Entry is one provider of the list.
type Entry struct {
	Manifest plugins.Manifest `json:"manifest"`
	// Own says that the owner added it.
	Own bool `json:"own"`
	// Replaces says that it stands in for one that ships with the gateway.
	Replaces bool      `json:"replaces,omitzero"`
	AddedAt  time.Time `json:"added_at,omitzero"`
}

// ownRecord is a manifest as the owner gave it.
type ownRecord struct {
	Text    string    `json:"text"`
	AddedAt time.Time `json:"added_at"`
}

var (
	ownRecords   = store.NewCollection[ownRecord]("provider-manifests")
	aliasRecords = store.NewCollection[Alias]("model-aliases")
)

// Open reads the owner's manifests and aliases. A stored manifest that this
// version cannot read any more is an error: a provider must not vanish in
// silence, nor come to mean something else.
func Open(cfg Config) (*Book, error) {
	if cfg.Store == nil || cfg.Build == nil {
		return nil, errors.New("opening providers: Config.Store and Build are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	b := &Book{cfg: cfg, embedded: map[string]plugins.Provider{}}
	for _, p := range cfg.Embedded {
		b.embedded[p.Manifest().ID] = p
	}
	err := cfg.Store.View(func(tx *store.Tx) (err error) {
		if b.own, err = ownRecords.All(tx); err != nil {
			return err
		}
		b.aliases, err = aliasRecords.All(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening providers: %w", err)
	}
	s, err := b.state(b.own, b.aliases)
	if err != nil {
		return nil, fmt.Errorf("opening providers: %w", err)
	}
	b.now.Store(s)
	return b, nil
}

// state puts the list together. The maps are not changed afterwards.
func (b *Book) state(own map[string]ownRecord, aliases map[string]Alias) (*state, error) {
	var all []plugins.Provider
	s := &state{aliases: aliases, sides: map[string]plugins.Provider{}}
	for id, p := range b.embedded {
		if _, replaced := own[id]; !replaced {
			all = append(all, p)
			s.entries = append(s.entries, Entry{Manifest: p.Manifest()})
		}
	}
	for id, record := range own {
		m, err := plugins.ParseManifest([]byte(record.Text))
		if err != nil {
			return nil, fmt.Errorf("reading the manifest of %s: %w", id, err)
		}
		p, err := b.cfg.Build(m)
		if err != nil {
			return nil, fmt.Errorf("building provider %s: %w", id, err)
		}
		_, replaces := b.embedded[id]
		all = append(all, p)
		s.entries = append(s.entries, Entry{Manifest: m, Own: true, Replaces: replaces, AddedAt: record.AddedAt})
	}
	slices.SortFunc(s.entries, func(a, b Entry) int { return cmp.Compare(a.Manifest.ID, b.Manifest.ID) })
	for _, p := range all {
		if err := b.addSide(s, p); err != nil {
			return nil, err
		}
	}
	var err error
	s.registry, err = plugins.NewRegistry(all)
	return s, err
}

// addSide finds or makes what speaks to a provider in OpenAI's dialect.
func (b *Book) addSide(s *state, p plugins.Provider) error {
	m := p.Manifest()
	side, has := m.OpenAISide()
	switch {
	case !has:
		return nil
	case m.OpenAI == nil:
		s.sides[m.ID] = p
		return nil
	}
	made, err := b.cfg.Build(side)
	if bad, ok := errors.AsType[*plugins.ManifestError](err); ok {
		return &plugins.ManifestError{Member: "openai." + bad.Member, Problem: bad.Problem}
	}
	if err != nil {
		return fmt.Errorf("building the other side of %s: %w", m.ID, err)
	}
	s.sides[m.ID] = made
	return nil
}

// Lookup finds the provider of a resource such as llm:openai.
func (b *Book) Lookup(resource string) (plugins.Provider, bool) {
	return b.now.Load().registry.Lookup(resource)
}

// OpenAI finds what speaks to a resource in OpenAI's dialect; false where
// nothing does.
func (b *Book) OpenAI(resource string) (plugins.Provider, bool) {
	p, ok := b.now.Load().sides[resource]
	return p, ok
}

// All lists the providers in the order of their ids.
func (b *Book) All() []plugins.Provider { return b.now.Load().registry.All() }

// Entries lists the providers with where they come from, in the order of
// their ids.
func (b *Book) Entries() []Entry { return slices.Clone(b.now.Load().entries) }

// Entry finds one provider. Error: ErrUnknown.
func (b *Book) Entry(id string) (Entry, error) {
	for _, e := range b.now.Load().entries {
		if e.Manifest.ID == id {
			return e, nil
		}
	}
	return Entry{}, ErrUnknown
}

// Watch has fn called with the id of each provider that was added, replaced or
// removed, after the change can be seen.
func (b *Book) Watch(fn func(id string)) {
	b.changing.Lock()
	defer b.changing.Unlock()
	b.watchers = append(b.watchers, fn)
}
