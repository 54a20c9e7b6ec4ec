package price

import (
	"errors"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

var (
	// ErrCatalog says that a catalog is not one; what is wrong, and where, is said with it.
	ErrCatalog = errors.New("not a price catalog")
	// ErrOverride says that a price of the owner's cannot be taken.
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
type Table struct{}

// Entry is one model and its price.
type Entry struct {
	Model  string `json:"model"` // a glob for some of the owner's own
	Priced bool   `json:"priced"`
	Rate   Rate   `json:"rate"`
	Own    bool   `json:"own,omitzero"` // set by the owner
}

// Override is a price of the owner's own. Prices are as in [Rate]; nil is the
// input's. Bounds that are 0 are the catalog's, and Hidden adds to it.
type Override struct {
	Input      int64  `json:"input"`
	Output     int64  `json:"output"`
	CacheRead  *int64 `json:"cache_read,omitzero"`
	CacheWrite *int64 `json:"cache_write,omitzero"`
	Request    int64  `json:"request,omitzero"`
	MaxContext int64  `json:"max_context,omitzero"`
	MaxOutput  int64  `json:"max_output,omitzero"`
	Hidden     bool   `json:"hidden,omitzero"`
}

// Summary tells what a catalog holds, and what it changed.
type Summary struct {
	Providers int `json:"providers"`
	Models    int `json:"models"`
	Priced    int `json:"priced"`
	Added     int `json:"added"`   // models that had not been known
	Changed   int `json:"changed"` // models with another price or bound
	Removed   int `json:"removed"` // models known no more
}

// Info tells where the prices come from.
type Info struct {
	Providers int       `json:"providers"`
	Models    int       `json:"models"`
	Priced    int       `json:"priced"`
	Overrides int       `json:"overrides"`
	Replaced  time.Time `json:"replaced,omitzero"` // when the owner put a catalog in; zero is the one carried
}

// Open reads the owner's changes from the store.
func Open(Config) (*Table, error) { return &Table{}, nil }

// Rate is what a model of a resource costs.
func (t *Table) Rate(resource, model string) (Rate, bool) { return Rate{}, false }

// List tells the prices of a resource, by name.
func (t *Table) List(resource string) []Entry { return nil }

// Resources are those whose models are known.
func (t *Table) Resources() []string { return nil }

// Info tells where the prices come from.
func (t *Table) Info() Info { return Info{} }

// Replace puts a catalog in the place of the one before. Errors: [ErrCatalog].
func (t *Table) Replace(catalog []byte) (Summary, error) { return Summary{}, ErrCatalog }

// Reset puts the catalog that the gateway carries back in place.
func (t *Table) Reset() (Summary, error) { return Summary{}, nil }

// Set gives a model a price of the owner's own. Errors: [ErrOverride].
func (t *Table) Set(resource, model string, o Override) error { return nil }

// Unset takes a price of the owner's own away. Errors: [ErrNoOverride].
func (t *Table) Unset(resource, model string) error { return ErrNoOverride }
