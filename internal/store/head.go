package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

var (
	metaBucket = []byte("meta")
	formatKey  = []byte("format")
	headKey    = []byte("head")
)

// head binds the set of all records. Each record contributes a secret keyed
// hash of its place and version; the head holds their sum modulo 2^256 (a
// multiset hash: cheap to update, and a sum that cannot be steered without the
// key). A record put back from an older copy, removed, or added from outside
// changes the sum, which Open compares.
type head struct {
	Writes uint64   `json:"writes"` // versions handed out so far
	Sum    [32]byte `json:"sum"`
}

func (h *head) add(term []byte) {
	carry := uint16(0)
	for i := 31; i >= 0; i-- {
		v := uint16(h.Sum[i]) + uint16(term[i]) + carry
		h.Sum[i], carry = byte(v), v>>8
	}
}

func (h *head) remove(term []byte) {
	borrow := int16(0)
	for i := 31; i >= 0; i-- {
		v := int16(h.Sum[i]) - int16(term[i]) - borrow
		borrow = 0
		if v < 0 {
			v, borrow = v+256, 1
		}
		h.Sum[i] = byte(v)
	}
}

func term(keys *hostKey, collection string, name []byte, version uint64) []byte {
	return keys.prf("head", collection, string(name), string(binary.BigEndian.AppendUint64(nil, version)))
}

func headData() []byte { return appendPart(binary.BigEndian.AppendUint32(nil, format), "head") }

func readHead(b *bolt.Tx, keys *hostKey) (head, error) {
	var h head
	meta := b.Bucket(metaBucket)
	if meta == nil {
		return h, fmt.Errorf("%w (no head)", ErrCorrupt)
	}
	plain, err := keys.seal.Decrypt(meta.Get(headKey), headData())
	if err != nil {
		return h, fmt.Errorf("%w: it did not seal this database, or the database's head was altered: put back the matching host.key, or restore both from a backup", ErrHostKey)
	}
	if err := json.Unmarshal(plain, &h); err != nil {
		return h, fmt.Errorf("%w (head)", ErrCorrupt)
	}
	return h, nil
}

func writeHead(b *bolt.Tx, keys *hostKey, h head) error {
	plain, err := json.Marshal(h)
	if err != nil {
		return err
	}
	sealed, err := keys.seal.Encrypt(plain, headData())
	if err != nil {
		return err
	}
	return b.Bucket(metaBucket).Put(headKey, sealed)
}

// prepare lays out a new file, or checks an old one against its head.
func (s *Store) prepare() error {
	found := false
	err := s.db.View(func(b *bolt.Tx) error {
		meta := b.Bucket(metaBucket)
		if meta == nil {
			return nil
		}
		found = true
		return s.check(b, meta)
	})
	if err != nil || found {
		return err
	}
	return s.db.Update(func(b *bolt.Tx) error {
		meta, err := b.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		if err := meta.Put(formatKey, binary.BigEndian.AppendUint32(nil, format)); err != nil {
			return err
		}
		return writeHead(b, s.keys, head{})
	})
}

func (s *Store) check(b *bolt.Tx, meta *bolt.Bucket) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", ErrCorrupt, r)
		}
	}()
	raw := meta.Get(formatKey)
	if len(raw) != 4 {
		return fmt.Errorf("%w (no format version)", ErrCorrupt)
	}
	if v := binary.BigEndian.Uint32(raw); v > format {
		return fmt.Errorf("%w (format %d; this one knows %d)", ErrNewerFormat, v, format)
	}
	want, err := readHead(b, s.keys)
	if err != nil {
		return err
	}
	got := head{Writes: want.Writes}
	err = b.ForEach(func(bucket []byte, records *bolt.Bucket) error {
		if string(bucket) == string(metaBucket) {
			return nil
		}
		return records.ForEach(func(name, sealed []byte) error {
			version, _, err := splitRecord(sealed)
			if err != nil {
				return fmt.Errorf("collection %s: %w", bucket, err)
			}
			got.add(term(s.keys, string(bucket), name, version))
			return nil
		})
	})
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w (a record is missing, added or from an older copy)", ErrCorrupt)
	}
	return nil
}
