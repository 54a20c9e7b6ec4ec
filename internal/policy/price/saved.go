package price

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// A catalog in the store is what is known of it, as JSON, compressed, in
// pieces that fit into a record each. The first piece says how many there are.
const (
	pieceBytes   = 512 << 10
	maxPieces    = 32
	maxSavedJSON = 64 << 20
)

type piece struct {
	Replaced time.Time `json:"replaced,omitzero"` // of the first
	Pieces   int       `json:"pieces,omitzero"`   // of the first
	Data     []byte    `json:"data"`
}

var (
	pieces    = store.NewCollection[piece]("price_catalog")
	overrides = store.NewCollection[Override]("price_overrides")
)

func pieceKey(i int) string { return fmt.Sprintf("%03d", i) }

// split makes pieces of a catalog. The error says that it is too large.
func (c catalog) split(replaced time.Time) ([]piece, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding prices: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compressing prices: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing prices: %w", err)
	}
	if len(plain) > maxSavedJSON || packed.Len() > maxPieces*pieceBytes {
		return nil, fmt.Errorf("%w: it has more than can be kept", ErrCatalog)
	}
	var all []piece
	for packed.Len() > 0 {
		all = append(all, piece{Data: bytes.Clone(packed.Next(pieceBytes))})
	}
	all[0].Replaced, all[0].Pieces = replaced, len(all)
	return all, nil
}

// join is the catalog that was split.
func join(all []piece) (catalog, error) {
	var packed bytes.Buffer
	for _, p := range all {
		packed.Write(p.Data)
	}
	r, err := gzip.NewReader(&packed)
	if err != nil {
		return nil, fmt.Errorf("unpacking prices: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSavedJSON+1))
	if err != nil {
		return nil, fmt.Errorf("unpacking prices: %w", err)
	}
	if len(plain) > maxSavedJSON {
		return nil, errors.New("unpacking prices: too long")
	}
	var c catalog
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, fmt.Errorf("decoding prices: %w", err)
	}
	return c, nil
}

// saveCatalog puts pieces in the place of those before; none at all take the
// catalog away.
func saveCatalog(tx *store.Tx, all []piece) error {
	before, err := savedPieces(tx)
	if err != nil {
		return err
	}
	for i, p := range all {
		if err := pieces.Put(tx, pieceKey(i), p); err != nil {
			return err
		}
	}
	for i := len(all); i < before; i++ {
		if err := pieces.Delete(tx, pieceKey(i)); err != nil {
			return err
		}
	}
	return nil
}

func savedPieces(tx *store.Tx) (int, error) {
	first, err := pieces.Get(tx, pieceKey(0))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return min(first.Pieces, maxPieces), err
}

// loadCatalog is the owner's catalog, nil when there is none.
func loadCatalog(tx *store.Tx) (catalog, time.Time, error) {
	n, err := savedPieces(tx)
	if n == 0 || err != nil {
		return nil, time.Time{}, err
	}
	all := make([]piece, n)
	for i := range all {
		if all[i], err = pieces.Get(tx, pieceKey(i)); err != nil {
			return nil, time.Time{}, err
		}
	}
	c, err := join(all)
	return c, all[0].Replaced, err
}

// An override's key in the store is its resource, a space, its model: neither
// has a space.
func (k overrideKey) text() string { return k.resource + " " + k.model }

func loadOverrides(tx *store.Tx) (map[overrideKey]Override, error) {
	records, err := overrides.All(tx)
	if err != nil {
		return nil, err
	}
	all := make(map[overrideKey]Override, len(records))
	for text, o := range records {
		resource, model, _ := strings.Cut(text, " ")
		all[overrideKey{resource, model}] = o
	}
	return all, nil
}
