package price

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

var (
	// ErrCatalog says that a catalog is not one, with what is wrong and where.
	ErrCatalog = errors.New("not a price catalog")
	// ErrOverride says that a price of the owner's cannot be taken, with the reason.
	ErrOverride = errors.New("not a price")
	// ErrNoOverride says that there is no such price of the owner's.
	ErrNoOverride = errors.New("there is no price of your own for this model")
)

// Config says where a table keeps what the owner changes.
type Config struct {
	Store *store.Store     // required
	Clock func() time.Time // default time.Now
}

// Table is the prices in force. Its methods are safe for concurrent use, and
// lookups take no lock.
type Table struct {
	cfg    Config
	change sync.Mutex // one at a time
	now    atomic.Pointer[view]
}

// Entry is one model and its price.
type Entry struct {
	Model  string `json:"model"` // a glob, for some of the owner's own
	Priced bool   `json:"priced"`
	Rate   Rate   `json:"rate"`
	Own    bool   `json:"own,omitzero"` // set by the owner
}

// Summary tells what a catalog holds, and what it changed.
type Summary struct {
	Providers int `json:"providers"`
	Models    int `json:"models"`
	Priced    int `json:"priced"`
	Added     int `json:"added"`   // models that had not been known
	Changed   int `json:"changed"` // models with another price or bound
	Removed   int `json:"removed"` // models that are known no more
}

// Info tells where the prices come from.
type Info struct {
	Providers int       `json:"providers"`
	Models    int       `json:"models"`
	Priced    int       `json:"priced"`
	Overrides int       `json:"overrides"`
	Replaced  time.Time `json:"replaced,omitzero"` // when the owner put the catalog in; zero for the one carried
}

// Open reads what the owner has changed. Errors: those of the store.
func Open(c Config) (*Table, error) {
	if c.Store == nil {
		return nil, errors.New("opening prices: Config.Store is required")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	t := &Table{cfg: c}
	v := &view{}
	err := c.Store.View(func(tx *store.Tx) (err error) {
		if v.overrides, err = loadOverrides(tx); err != nil {
			return err
		}
		v.catalog, v.replaced, err = loadCatalog(tx)
		return err
	})
	if err == nil && v.catalog == nil {
		v.catalog, err = readCatalog(carried)
	}
	if err != nil {
		return nil, fmt.Errorf("opening prices: %w", err)
	}
	v.own = arrange(v.overrides)
	t.now.Store(v)
	return t, nil
}

// Rate is what a model of a resource costs, false when that is not known: then
// only its bounds may be, and a model of which nothing is known may produce
// output that no client sees. The model is named as a client names it; a "models/" prefix is ignored. Known is
// the name itself, or else the longest known name that it starts with and that
// is followed by a dash and a date. A model that the catalog knows but has no
// price for is not priced; one whose price is 0 is.
func (t *Table) Rate(resource, model string) (Rate, bool) {
	return t.now.Load().rate(resource, model)
}

// List tells a resource's models and prices, and the globs that the owner has
// set prices for, by name.
func (t *Table) List(resource string) []Entry { return t.now.Load().list(resource) }

// Resources are those of which models are known.
func (t *Table) Resources() []string { return t.now.Load().resources() }

// Info tells where the prices come from.
func (t *Table) Info() Info { return t.now.Load().info() }

// Replace puts a catalog, in the shape of models.dev's api.json and of at most
// [MaxCatalogBytes], in the place of the one before: all of it or nothing.
// What it does not know is no longer priced; the owner's own prices stay.
// Errors: [ErrCatalog], and those of the store.
func (t *Table) Replace(data []byte) (Summary, error) {
	c, err := readCatalog(data)
	if err != nil {
		return Summary{}, err
	}
	replaced := t.cfg.Clock().UTC()
	all, err := c.split(replaced)
	if err != nil {
		return Summary{}, err
	}
	return t.put(c, replaced, all)
}

// Reset puts the catalog that the gateway carries back in place. Errors: those
// of the store.
func (t *Table) Reset() (Summary, error) {
	c, err := readCatalog(carried)
	if err != nil {
		return Summary{}, err
	}
	return t.put(c, time.Time{}, nil)
}

func (t *Table) put(c catalog, replaced time.Time, all []piece) (s Summary, err error) {
	err = t.update(func(tx *store.Tx, v *view) error {
		s = c.summary(v.catalog)
		v.catalog, v.replaced = c, replaced
		return saveCatalog(tx, all)
	})
	return s, err
}

// Set gives a model, or all that a glob matches, a price of the owner's own,
// which counts before the catalog's: the exact name first, then the longest
// glob. Errors: [ErrOverride], and those of the store.
func (t *Table) Set(resource, model string, o Override) error {
	k, err := newKey(resource, model)
	if err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	return t.update(func(tx *store.Tx, v *view) error {
		if v.overrides[k] = o; len(v.overrides) > maxOverrides {
			return fmt.Errorf("%w: there are %d of your own already; take one away first", ErrOverride, maxOverrides)
		}
		return overrides.Put(tx, k.text(), o)
	})
}

// Unset takes a price of the owner's own away. Errors: [ErrNoOverride],
// [ErrOverride] for what cannot be a model's name, and those of the store.
func (t *Table) Unset(resource, model string) error {
	k, err := newKey(resource, model)
	if err != nil {
		return err
	}
	return t.update(func(tx *store.Tx, v *view) error {
		if _, found := v.overrides[k]; !found {
			return ErrNoOverride
		}
		delete(v.overrides, k)
		return overrides.Delete(tx, k.text())
	})
}

// update makes a changed copy of what is known and shows it once it is on
// disk.
func (t *Table) update(change func(*store.Tx, *view) error) error {
	t.change.Lock()
	defer t.change.Unlock()
	next := *t.now.Load()
	next.overrides = maps.Clone(next.overrides)
	if err := t.cfg.Store.Update(func(tx *store.Tx) error { return change(tx, &next) }); err != nil {
		return err
	}
	next.own = arrange(next.overrides)
	t.now.Store(&next)
	return nil
}
