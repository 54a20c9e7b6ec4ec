package store

import (
	"encoding/binary"
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
//
//	in the file: generation (4 bytes) │ sealed( writes (8) │ sum (32) │ run (16) │ restored (1) )
type head struct {
	// writes counts every change ever made; it is each record's version and
	// what the epoch outside the file is compared with.
	writes uint64
	sum    [32]byte
	// run is drawn anew whenever the file is opened, so that two copies that
	// went on from the same state can be told apart.
	run runID
	// restored says that the owner has not confirmed this state.
	restored bool
}

const headBytes = 8 + 32 + 16 + 1

func (h *head) add(term []byte) {
	carry := uint16(0)
	for i := 31; i >= 0; i-- {
		v := uint16(h.sum[i]) + uint16(term[i]) + carry
		h.sum[i], carry = byte(v), v>>8
	}
}

func (h *head) remove(term []byte) {
	borrow := int16(0)
	for i := 31; i >= 0; i-- {
		v := int16(h.sum[i]) - int16(term[i]) - borrow
		borrow = 0
		if v < 0 {
			v, borrow = v+256, 1
		}
		h.sum[i] = byte(v)
	}
}

func (h head) marshal() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, headBytes), h.writes)
	b = append(append(b, h.sum[:]...), h.run[:]...)
	if h.restored {
		return append(b, 1)
	}
	return append(b, 0)
}

func parseHead(b []byte) (h head, err error) {
	if len(b) != headBytes || b[headBytes-1] > 1 {
		return h, fmt.Errorf("%w (head)", ErrCorrupt)
	}
	h.writes = binary.BigEndian.Uint64(b)
	copy(h.sum[:], b[8:])
	copy(h.run[:], b[40:])
	h.restored = b[56] == 1
	return h, nil
}

func (k *keyring) headData(g *generation) []byte {
	return binary.BigEndian.AppendUint32(appendPart(binary.BigEndian.AppendUint32(nil, k.format), "head"), g.id)
}

func (k *keyring) openHead(raw []byte) (head, error) {
	if len(raw) < 4 {
		return head{}, fmt.Errorf("%w (no head)", ErrCorrupt)
	}
	foreign := fmt.Errorf("%w: it did not seal this database, or the database's head was altered: put back the matching host.key, or restore both from a backup", ErrHostKey)
	g := k.generation(binary.BigEndian.Uint32(raw))
	if g == nil {
		return head{}, foreign
	}
	plain, err := g.seal.Decrypt(raw[4:], k.headData(g))
	if err != nil {
		return head{}, foreign
	}
	return parseHead(plain)
}

func (k *keyring) sealHead(h head) ([]byte, error) {
	g := k.newest()
	sealed, err := g.seal.Encrypt(h.marshal(), k.headData(g))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint32(nil, g.id), sealed...), nil
}

func readHead(b *bolt.Tx, keys *keyring) (head, error) {
	meta := b.Bucket(metaBucket)
	if meta == nil {
		return head{}, fmt.Errorf("%w (no head)", ErrCorrupt)
	}
	return keys.openHead(meta.Get(headKey))
}

func writeHead(b *bolt.Tx, keys *keyring, h head) error {
	raw, err := keys.sealHead(h)
	if err != nil {
		return err
	}
	return b.Bucket(metaBucket).Put(headKey, raw)
}
