package store

import (
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
	keys *keyring
	head *head // nil in a read-only transaction
}

// Collection is a named set of records of one Go type, stored as JSON.
type Collection[T any] struct{ name string }

// NewCollection names a collection. The name is stored in clear.
func NewCollection[T any](name string) Collection[T] { return Collection[T]{name: name} }

// Get returns the record under key. Errors: ErrNotFound, ErrCorrupt.
func (c Collection[T]) Get(tx *Tx, key string) (value T, err error) {
	defer damaged(c.name, &err)
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return value, ErrNotFound
	}
	name, raw := tx.find(records, c.name, key)
	if raw == nil {
		return value, ErrNotFound
	}
	_, value, err = c.open(tx, name, raw)
	return value, err
}

// Put writes the record under key, replacing any there. The value's JSON may
// have up to MaxValueBytes.
func (c Collection[T]) Put(tx *Tx, key string, value T) (err error) {
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
	defer damaged(c.name, &err)
	records, err := tx.bolt.CreateBucketIfNotExists([]byte(c.name))
	if err != nil {
		return err
	}
	if err := tx.forget(records, c.name, key); err != nil {
		return err
	}
	return tx.remember(records, c.name, key, plain)
}

// Delete removes the record under key; one that is absent is no error.
func (c Collection[T]) Delete(tx *Tx, key string) (err error) {
	if tx.head == nil {
		return errReadOnly
	}
	defer damaged(c.name, &err)
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return nil
	}
	return tx.forget(records, c.name, key)
}

// All returns every record by key. One that does not open fails the whole
// call: a list with a hole would be absence without a reason.
func (c Collection[T]) All(tx *Tx) (all map[string]T, err error) {
	defer damaged(c.name, &err)
	all = map[string]T{}
	records := tx.bolt.Bucket([]byte(c.name))
	if records == nil {
		return all, nil
	}
	err = records.ForEach(func(name, raw []byte) error {
		key, value, err := c.open(tx, name, raw)
		if err != nil {
			return err
		}
		all[key] = value
		return nil
	})
	return all, err
}

func (c Collection[T]) open(tx *Tx, name, raw []byte) (key string, value T, err error) {
	key, plain, err := tx.keys.openRecord(c.name, name, raw)
	if err != nil {
		return "", value, err
	}
	if err := json.Unmarshal(plain, &value); err != nil {
		return "", value, fmt.Errorf("collection %s, record %q: decoding: %w", c.name, key, err)
	}
	return key, value, nil
}

// find looks a record up under its name in every generation.
func (tx *Tx) find(records *bolt.Bucket, collection, key string) (name, raw []byte) {
	for i := len(tx.keys.generations) - 1; i >= 0; i-- {
		name = tx.keys.generations[i].nameOf(collection, key)
		if raw = records.Get(name); raw != nil {
			return name, raw
		}
	}
	return nil, nil
}

// forget removes a record and takes it out of the head's sum. It counts as a
// write: else a copy from before a removal would look as new as the file.
func (tx *Tx) forget(records *bolt.Bucket, collection, key string) error {
	name, raw := tx.find(records, collection, key)
	if raw == nil {
		return nil
	}
	term, err := tx.keys.recordTerm(collection, name, raw)
	if err != nil {
		return err
	}
	tx.head.writes++
	tx.head.remove(term)
	return records.Delete(name)
}

// remember seals a record that is not there yet.
func (tx *Tx) remember(records *bolt.Bucket, collection, key string, plain []byte) error {
	tx.head.writes++
	name, raw, err := tx.keys.sealRecord(collection, key, tx.head.writes, plain)
	if err != nil {
		return err
	}
	term, err := tx.keys.recordTerm(collection, name, raw)
	if err != nil {
		return err
	}
	tx.head.add(term)
	return records.Put(name, raw)
}
