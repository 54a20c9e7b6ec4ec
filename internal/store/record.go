package store

import (
	"encoding/binary"
	"fmt"
)

// A stored value is
//
//	version (8 bytes) │ generation (4) │ sealed( key, JSON )
//
// and its name the keyed hash of collection and key. What is sealed is tied to
// format, collection, name, version and generation by associated data, so it
// opens nowhere else.
const recordHeader = 8 + 4

// splitRecord parts a stored value.
func splitRecord(raw []byte) (version uint64, generation uint32, sealed []byte, err error) {
	if len(raw) < recordHeader {
		return 0, 0, nil, fmt.Errorf("%w (short record)", ErrCorrupt)
	}
	return binary.BigEndian.Uint64(raw), binary.BigEndian.Uint32(raw[8:]), raw[recordHeader:], nil
}

// sealRecord makes a stored value of the newest generation.
func (k *keyring) sealRecord(collection, key string, version uint64, plain []byte) (name, raw []byte, err error) {
	g := k.newest()
	name = g.nameOf(collection, key)
	sealed, err := g.seal.Encrypt(append(appendPart(nil, key), plain...), k.recordData(g, collection, name, version))
	if err != nil {
		return nil, nil, fmt.Errorf("sealing %s record: %w", collection, err)
	}
	raw = binary.BigEndian.AppendUint64(nil, version)
	raw = binary.BigEndian.AppendUint32(raw, g.id)
	return name, append(raw, sealed...), nil
}

// openRecord opens a stored value. Errors name the record and wrap ErrCorrupt.
func (k *keyring) openRecord(collection string, name, raw []byte) (key string, plain []byte, err error) {
	version, id, sealed, err := splitRecord(raw)
	if err != nil {
		return "", nil, recordError(collection, name, err)
	}
	g := k.generation(id)
	if g == nil {
		return "", nil, recordError(collection, name, fmt.Errorf("%w (unknown host key generation)", ErrCorrupt))
	}
	plain, err = g.seal.Decrypt(sealed, k.recordData(g, collection, name, version))
	if err != nil {
		return "", nil, recordError(collection, name, ErrCorrupt)
	}
	if key, plain, err = cutPart(plain); err != nil {
		return "", nil, recordError(collection, name, err)
	}
	return key, plain, nil
}

// recordTerm is a record's contribution to the head's sum.
func (k *keyring) recordTerm(collection string, name, raw []byte) ([]byte, error) {
	version, id, _, err := splitRecord(raw)
	if err != nil {
		return nil, recordError(collection, name, err)
	}
	g := k.generation(id)
	if g == nil {
		return nil, recordError(collection, name, fmt.Errorf("%w (unknown host key generation)", ErrCorrupt))
	}
	return g.prf("head", collection, string(name), string(binary.BigEndian.AppendUint64(nil, version))), nil
}

func (k *keyring) recordData(g *generation, collection string, name []byte, version uint64) []byte {
	ad := binary.BigEndian.AppendUint32(nil, k.format)
	ad = appendPart(ad, collection)
	ad = appendPart(ad, string(name))
	ad = binary.BigEndian.AppendUint64(ad, version)
	return binary.BigEndian.AppendUint32(ad, g.id)
}

// recordError names a record by the first bytes of its name in the file.
func recordError(collection string, name []byte, err error) error {
	return fmt.Errorf("collection %s, record %s: %w", collection, shortName(name), err)
}

func shortName(name []byte) string { return fmt.Sprintf("%x", name[:min(4, len(name))]) }

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
