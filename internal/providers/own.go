package providers

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/plugins"
)

// Consent is what the owner agrees to when they add a manifest.
type Consent struct {
	// Replace lets it take the place of a provider with the same id.
	Replace bool
	// Private lets it reach private, loopback and link-local addresses.
	Private bool
}

// Add stores the owner's manifest, given as text, and opens what it declares.
// Errors: *plugins.ManifestError, ErrExists, ErrPrivate, ErrTooMany, those of
// the store.
func (b *Book) Add(text []byte, c Consent) (Entry, error) {
	m, err := b.read(text)
	if err != nil {
		return Entry{}, err
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	if err := b.may(m, c); err != nil {
		return Entry{}, err
	}
	_, embedded := b.embedded[m.ID]
	record := ownRecord{Text: string(text), AddedAt: b.cfg.Clock().UTC().Round(0)}
	after := maps.Clone(b.own)
	if after == nil {
		after = map[string]ownRecord{}
	}
	after[m.ID] = record
	err = b.change(m.ID, after, func(tx *store.Tx) error { return ownRecords.Put(tx, m.ID, record) })
	if err != nil {
		return Entry{}, err
	}
	return Entry{Manifest: m, Own: true, Replaces: embedded, AddedAt: record.AddedAt}, nil
}

// May says whether Add would take a manifest as things are. Errors: ErrExists,
// ErrPrivate, ErrTooMany.
func (b *Book) May(m plugins.Manifest, c Consent) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	return b.may(m, c)
}

func (b *Book) may(m plugins.Manifest, c Consent) error {
	_, own := b.own[m.ID]
	_, embedded := b.embedded[m.ID]
	switch {
	case m.AllowPrivate && !c.Private:
		return ErrPrivate
	case (own || embedded) && !c.Replace:
		return ErrExists
	case !own && len(b.own) >= maxOwn:
		return ErrTooMany
	}
	return nil
}

// Gains are the actions that m would bring to its id: what the provider of that
// id, if there is one, has not.
func (b *Book) Gains(m plugins.Manifest) []string {
	var had, gains []string
	if now, err := b.Entry(m.ID); err == nil {
		for _, o := range plugins.Opens(now.Manifest) {
			had = append(had, o.Action)
		}
	}
	for _, o := range plugins.Opens(m) {
		if !slices.Contains(had, o.Action) && !slices.Contains(gains, o.Action) {
			gains = append(gains, o.Action)
		}
	}
	return gains
}

// GainsWithout are the actions that Remove would bring to an id: what the
// provider that gets its place back has and the owner's has not.
func (b *Book) GainsWithout(id string) []string {
	if p, embedded := b.embedded[id]; embedded {
		return b.Gains(p.Manifest())
	}
	return nil
}

// Read is the dry run of Add: the manifest as it would be understood. Errors
// are *plugins.ManifestError.
func (b *Book) Read(text []byte) (plugins.Manifest, error) { return b.read(text) }

func (b *Book) read(text []byte) (plugins.Manifest, error) {
	m, err := plugins.ParseManifest(text)
	if err != nil {
		return plugins.Manifest{}, err
	}
	p, err := b.cfg.Build(m)
	if err != nil {
		return plugins.Manifest{}, err
	}
	return m, b.addSide(&state{sides: map[string]plugins.Provider{}}, p)
}

// Remove takes the owner's manifest off the list; one that stood in for a
// provider that ships with the gateway gives its place back. Errors:
// ErrUnknown, ErrEmbedded, those of the store.
func (b *Book) Remove(id string) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	if _, own := b.own[id]; !own {
		if _, embedded := b.embedded[id]; embedded {
			return ErrEmbedded
		}
		return ErrUnknown
	}
	after := maps.Clone(b.own)
	delete(after, id)
	return b.change(id, after, func(tx *store.Tx) error { return ownRecords.Delete(tx, id) })
}

// Text is a manifest as the owner gave it, or, of one that ships with the
// gateway, as it would be given. Error: ErrUnknown.
func (b *Book) Text(id string) ([]byte, error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	if record, own := b.own[id]; own {
		return []byte(record.Text), nil
	}
	p, embedded := b.embedded[id]
	if !embedded {
		return nil, ErrUnknown
	}
	text, err := json.Marshal(p.Manifest(), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of %s: %w", id, err)
	}
	return text, nil
}

// change writes and then shows what is new; the lock is held.
func (b *Book) change(id string, own map[string]ownRecord, write func(*store.Tx) error) error {
	s, err := b.state(own, b.aliases)
	if err != nil {
		return err
	}
	if err := b.cfg.Store.Update(write); err != nil {
		return fmt.Errorf("storing the manifest of %s: %w", id, err)
	}
	b.own = own
	b.now.Store(s)
	for _, watch := range b.watchers {
		watch(id)
	}
	return nil
}
