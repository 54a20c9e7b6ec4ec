package store

import (
	"encoding/binary"
	"fmt"
)

// contents is what a look through a whole file found.
type contents struct {
	// empty says that the file was made and nothing ever written to it.
	empty       bool
	format      uint32
	head        head
	records     int
	collections map[string]int
}

// eachRecord is called with every record, and the keys of the file's format.
type eachRecord func(keys *keyring, collection string, name, raw []byte) error

// openEach fails on the first record that does not open.
func openEach(keys *keyring, collection string, name, raw []byte) error {
	_, _, err := keys.openRecord(collection, name, raw)
	return err
}

// readContents looks through a whole file: structure, format, head, and
// whether the head's sum is that of the records. It decrypts no record; each,
// when not nil, may.
//
// Errors: ErrNewerFormat, ErrHostKey, ErrCorrupt, or what each returned.
func readContents(im *image, keys *keyring, each eachRecord) (contents, error) {
	found := contents{collections: map[string]int{}}
	meta := map[string][]byte{}
	buckets := 0
	// bbolt itself writes states 0 and 1; what has a later one was in use.
	used := im.txid > 1
	err := im.walk(func(bucket, name, value []byte) error {
		if string(bucket) == string(metaBucket) {
			meta[string(name)] = append([]byte(nil), value...)
		}
		buckets++
		return nil
	})
	if err != nil {
		return found, err
	}
	if buckets == 0 && !used {
		found.empty = true
		return found, nil
	}
	if found.format, err = parseFormat(meta[string(formatKey)]); err != nil {
		return found, err
	}
	if found.format > keys.format {
		return found, fmt.Errorf("%w (format %d; this one knows %d)", ErrNewerFormat, found.format, keys.format)
	}
	keys = keys.inFormat(found.format)
	if found.head, err = keys.openHead(meta[string(headKey)]); err != nil {
		return found, err
	}
	return found, found.compare(im, keys, each)
}

func parseFormat(raw []byte) (uint32, error) {
	if len(raw) != 4 || binary.BigEndian.Uint32(raw) == 0 {
		return 0, fmt.Errorf("%w (no format version)", ErrCorrupt)
	}
	return binary.BigEndian.Uint32(raw), nil
}

func marshalFormat(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func (found *contents) compare(im *image, keys *keyring, each eachRecord) error {
	sum := head{}
	err := im.walk(func(bucket, name, raw []byte) error {
		if string(bucket) == string(metaBucket) {
			return nil
		}
		term, err := keys.recordTerm(string(bucket), name, raw)
		if err != nil {
			return err
		}
		sum.add(term)
		found.records++
		found.collections[string(bucket)]++
		if each == nil {
			return nil
		}
		return each(keys, string(bucket), name, raw)
	})
	if err != nil {
		return err
	}
	if sum.sum != found.head.sum {
		return fmt.Errorf("%w (a record is missing, added or from an older copy)", ErrCorrupt)
	}
	return nil
}
