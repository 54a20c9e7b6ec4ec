package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// MaxValueBytes bounds one record's JSON.
const MaxValueBytes = 1 << 20

var errReadOnly = errors.New("store: writing in a read-only transaction")

// Tx is one transaction. It must not be used after the function that received
// it returns, nor by several goroutines.
type Tx struct {
	bolt *bolt.Tx
	keys *hostKey
	head *head // nil in a read-only transaction
}

// Collection is a named set of records of one Go type, stored as JSON.
type Collection[T any] struct{ name string }

// NewCollection names a collection. The name is stored in clear.
func NewCollection[T any](name string) Collection[T] { return Collection[T]{name: name} }

// Get returns the record under key. Errors: ErrNotFound, ErrCorrupt.
func (c Collection[T]) Get(tx *Tx, key string) (T, error) {
	var zero T
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return zero, ErrNotFound
	}
	name := tx.keys.prf("name", c.name, key)
	raw := records.Get(name)
	if raw == nil {
		return zero, ErrNotFound
	}
	_, value, err := c.open(tx, name, raw)
	return value, err
}

// Put writes the record under key, replacing any there. The value's JSON may
// have up to MaxValueBytes.
func (c Collection[T]) Put(tx *Tx, key string, value T) error {
	if tx.head == nil {
		return errReadOnly
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %s record: %w", c.name, err)
	}
	if len(plain) > MaxValueBytes {
		return fmt.Errorf("encoding %s record: %d bytes is over the limit of %d", c.name, len(plain), MaxValueBytes)
	}
	records, err := tx.bolt.CreateBucketIfNotExists([]byte(c.name))
	if err != nil {
		return err
	}
	name := tx.keys.prf("name", c.name, key)
	if err := c.forget(tx, records, name); err != nil {
		return err
	}
	tx.head.Writes++
	version := tx.head.Writes
	sealed, err := tx.keys.seal.Encrypt(append(appendPart(nil, key), plain...), c.data(name, version))
	if err != nil {
		return err
	}
	tx.head.add(term(tx.keys, c.name, name, version))
	return records.Put(name, append(binary.BigEndian.AppendUint64(nil, version), sealed...))
}

// Delete removes the record under key; one that is absent is no error.
func (c Collection[T]) Delete(tx *Tx, key string) error {
	if tx.head == nil {
		return errReadOnly
	}
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return nil
	}
	name := tx.keys.prf("name", c.name, key)
	if err := c.forget(tx, records, name); err != nil {
		return err
	}
	return records.Delete(name)
}

// All returns every record by key. One that does not open fails the whole
// call: a list with a hole would be absence without a reason.
func (c Collection[T]) All(tx *Tx) (map[string]T, error) {
	all := map[string]T{}
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return all, nil
	}
	err := records.ForEach(func(name, raw []byte) error {
		key, value, err := c.open(tx, name, raw)
		if err != nil {
			return err
		}
		all[key] = value
		return nil
	})
	return all, err
}

// forget takes the record now under name out of the head's sum.
func (c Collection[T]) forget(tx *Tx, records *bolt.Bucket, name []byte) error {
	old := records.Get(name)
	if old == nil {
		return nil
	}
	version, _, err := splitRecord(old)
	if err != nil {
		return fmt.Errorf("collection %s: %w", c.name, err)
	}
	tx.head.remove(term(tx.keys, c.name, name, version))
	return nil
}

func (c Collection[T]) open(tx *Tx, name, raw []byte) (key string, value T, err error) {
	version, sealed, err := splitRecord(raw)
	if err != nil {
		return "", value, fmt.Errorf("collection %s: %w", c.name, err)
	}
	plain, err := tx.keys.seal.Decrypt(sealed, c.data(name, version))
	if err != nil {
		return "", value, fmt.Errorf("collection %s, record %x: %w", c.name, name[:4], ErrCorrupt)
	}
	key, plain, err = cutPart(plain)
	if err != nil {
		return "", value, fmt.Errorf("collection %s, record %x: %w", c.name, name[:4], err)
	}
	if err := json.Unmarshal(plain, &value); err != nil {
		return "", value, fmt.Errorf("collection %s, record %q: decoding: %w", c.name, key, err)
	}
	return key, value, nil
}

// data is the associated data that ties a sealed value to its place.
func (c Collection[T]) data(name []byte, version uint64) []byte {
	ad := binary.BigEndian.AppendUint32(nil, format)
	ad = appendPart(ad, c.name)
	ad = appendPart(ad, string(name))
	return binary.BigEndian.AppendUint64(ad, version)
}

// splitRecord parts a stored value: 8 bytes version, then the sealed bytes.
func splitRecord(raw []byte) (version uint64, sealed []byte, err error) {
	if len(raw) < 8 {
		return 0, nil, fmt.Errorf("%w (short record)", ErrCorrupt)
	}
	return binary.BigEndian.Uint64(raw), raw[8:], nil
}

// appendPart appends a length-prefixed part.
func appendPart(to []byte, part string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(part))), part...)
}

// cutPart takes off what appendPart appended.
func cutPart(from []byte) (part string, rest []byte, err error) {
	n, used := binary.Uvarint(from)
	if used <= 0 || n > uint64(len(from)-used) {
		return "", nil, fmt.Errorf("%w (record layout)", ErrCorrupt)
	}
	return string(from[used : used+int(n)]), from[used+int(n):], nil
}
