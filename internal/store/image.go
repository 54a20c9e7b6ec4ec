package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"

	bolt "go.etcd.io/bbolt"
)

// image reads a database file without mapping it and without trusting any
// byte: bbolt follows page numbers and offsets as it finds them, and on a
// damaged file may panic where nobody can recover, or walk in circles. So
// every file is read through here once before bbolt sees it.
//
// The layout is bbolt's, version 2, in the machine's byte order, which is
// little-endian on every platform that is released.
type image struct {
	r        io.ReaderAt
	pageSize int64
	root     uint64 // page of the bucket of buckets
	pages    uint64 // one more than the highest page ever used
	txid     uint64
	seen     map[uint64]bool
}

const (
	pageHeader    = 16
	elementHeader = 16
	bucketHeader  = 16
	metaBytes     = 64
	maxDepth      = 64

	branchPage = 0x01
	leafPage   = 0x02
	bucketFlag = 0x01

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	// noFreelist says that no list of free pages is stored, which is so in
	// every file that the store wrote to.
	noFreelist = math.MaxUint64
)

// readImage finds the newest intact meta page, as bbolt does.
func readImage(r io.ReaderAt) (*image, error) {
	var best *image
	for _, at := range metaPlaces() {
		im := readMeta(r, at)
		if im != nil && (best == nil || im.txid > best.txid) {
			best = im
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w (neither of its two first pages is intact)", ErrCorrupt)
	}
	return best, nil
}

// imageOf reads the state that a transaction sees, whose pages bbolt does not
// use again while it lasts.
func imageOf(b *bolt.Tx, r io.ReaderAt) *image {
	size := int64(b.DB().Info().PageSize)
	return &image{r: r, pageSize: size, root: uint64(b.Cursor().Bucket().Root()), pages: uint64(b.Size() / size), txid: uint64(b.ID())}
}

// metaPlaces is where a meta page may be: at the beginning and, since the page
// size is only known from it, one page of any size later.
func metaPlaces() []int64 {
	places := []int64{0}
	for size := int64(1 << 10); size <= 1<<24; size <<= 1 {
		places = append(places, size)
	}
	return places
}

func readMeta(r io.ReaderAt, at int64) *image {
	var page [pageHeader + metaBytes]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		return nil
	}
	meta, le := page[pageHeader:], binary.LittleEndian
	sum := fnv.New64a()
	sum.Write(meta[:metaBytes-8])
	size := int64(le.Uint32(meta[8:]))
	if le.Uint32(meta) != boltMagic || le.Uint32(meta[4:]) != boltVersion || le.Uint64(meta[56:]) != sum.Sum64() ||
		(le.Uint64(meta[32:]) != noFreelist && le.Uint64(meta[48:]) > 1) || size < 1<<10 || size > 1<<24 || size&(size-1) != 0 || (at != 0 && at != size) {
		return nil
	}
	return &image{r: r, pageSize: size, root: le.Uint64(meta[16:]), pages: le.Uint64(meta[40:]), txid: le.Uint64(meta[48:])}
}

// walk calls fn for every record of every bucket. The slices are valid during
// the call only. Errors of the structure wrap ErrCorrupt.
func (im *image) walk(fn func(bucket, name, value []byte) error) error {
	im.seen = map[uint64]bool{0: true, 1: true}
	return im.tree(im.root, span{}, 0, func(flags uint32, bucket, header []byte) error {
		if flags != bucketFlag || len(header) < bucketHeader {
			return fmt.Errorf("%w (structure: something that is no collection)", ErrCorrupt)
		}
		err := im.bucket(header, func(flags uint32, name, value []byte) error {
			if flags != 0 {
				return fmt.Errorf("%w (structure: record %s)", ErrCorrupt, shortName(name))
			}
			return fn(bucket, name, value)
		})
		if err != nil {
			return fmt.Errorf("collection %.32q: %w", bucket, err)
		}
		return nil
	})
}

type elementFunc func(flags uint32, key, value []byte) error

func (im *image) bucket(header []byte, fn elementFunc) error {
	if root := binary.LittleEndian.Uint64(header); root != 0 {
		return im.tree(root, span{}, 0, fn)
	}
	inline := header[bucketHeader:]
	if len(inline) < pageHeader || binary.LittleEndian.Uint16(inline[8:]) != leafPage {
		return fmt.Errorf("%w (structure: small collection)", ErrCorrupt)
	}
	return leaf(inline, span{}, fn)
}

// span is the range of keys a subtree may hold: from low on, below high. A key
// outside of it would be there and yet not found.
type span struct{ low, high []byte }

func (s span) holds(key []byte) bool {
	return bytes.Compare(key, s.low) >= 0 && (s.high == nil || bytes.Compare(key, s.high) < 0)
}

func (im *image) tree(id uint64, keys span, depth int, fn elementFunc) error {
	page, err := im.page(id)
	if err != nil {
		return err
	}
	switch flags := binary.LittleEndian.Uint16(page[8:]); {
	case flags == leafPage:
		return leaf(page, keys, fn)
	case flags == branchPage && depth < maxDepth:
		return im.branch(page, keys, depth, fn)
	}
	return fmt.Errorf("%w (structure: page %d is of no known kind)", ErrCorrupt, id)
}

// page reads a page with those it overflows into; each may be met only once.
func (im *image) page(id uint64) ([]byte, error) {
	bad := fmt.Errorf("%w (structure: page %d)", ErrCorrupt, id)
	var header [pageHeader]byte
	if id >= im.pages || id > maxPageID {
		return nil, bad
	}
	at := int64(id) * im.pageSize
	if _, err := im.r.ReadAt(header[:], at); err != nil {
		return nil, fmt.Errorf("%w: %w", bad, err)
	}
	more := uint64(binary.LittleEndian.Uint32(header[12:]))
	if binary.LittleEndian.Uint64(header[:]) != id || more >= im.pages-id || more >= maxPageBytes/uint64(im.pageSize) {
		return nil, bad
	}
	for p := id; p <= id+more; p++ {
		if im.seen[p] {
			return nil, bad
		}
		im.seen[p] = true
	}
	size := int64(more+1) * im.pageSize
	if _, err := im.r.ReadAt(header[:1], at+size-1); err != nil { // before so much is allocated
		return nil, fmt.Errorf("%w: %w", bad, err)
	}
	page := make([]byte, size)
	if _, err := im.r.ReadAt(page, at); err != nil {
		return nil, fmt.Errorf("%w: %w", bad, err)
	}
	return page, nil
}

// maxPageBytes bounds one page with its overflow: a record, its neighbours,
// and room to spare.
const maxPageBytes = 64 << 20

// maxPageID keeps offsets within a signed 64-bit number.
const maxPageID = 1 << 38

func leaf(page []byte, keys span, fn elementFunc) error {
	var last []byte
	for i := range int(binary.LittleEndian.Uint16(page[10:])) {
		at := pageHeader + i*elementHeader
		if at+elementHeader > len(page) {
			return fmt.Errorf("%w (structure: cut leaf)", ErrCorrupt)
		}
		e := page[at:]
		key, value, ok := element(e, binary.LittleEndian.Uint32(e[4:]), binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:]))
		if !ok || !keys.holds(key) || (i > 0 && bytes.Compare(last, key) >= 0) {
			return fmt.Errorf("%w (structure: leaf)", ErrCorrupt)
		}
		if err := fn(binary.LittleEndian.Uint32(e), key, value); err != nil {
			return err
		}
		last = key
	}
	return nil
}

func (im *image) branch(page []byte, keys span, depth int, fn elementFunc) error {
	count := int(binary.LittleEndian.Uint16(page[10:]))
	if count == 0 || pageHeader+count*elementHeader > len(page) {
		return fmt.Errorf("%w (structure: cut branch)", ErrCorrupt)
	}
	child := func(i int) (key []byte, id uint64, ok bool) {
		e := page[pageHeader+i*elementHeader:]
		key, _, ok = element(e, binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:]), 0)
		return key, binary.LittleEndian.Uint64(e[8:]), ok && keys.holds(key)
	}
	for i := range count {
		key, id, ok := child(i)
		below := span{key, keys.high}
		if ok && i+1 < count {
			below.high, _, ok = child(i + 1)
		}
		if !ok || (below.high != nil && bytes.Compare(key, below.high) >= 0) {
			return fmt.Errorf("%w (structure: branch)", ErrCorrupt)
		}
		if err := im.tree(id, below, depth+1, fn); err != nil {
			return err
		}
	}
	return nil
}

// element cuts key and value out, which begin pos bytes after the element.
func element(e []byte, pos, keySize, valueSize uint32) (key, value []byte, ok bool) {
	k, v := uint64(pos)+uint64(keySize), uint64(pos)+uint64(keySize)+uint64(valueSize)
	if pos < elementHeader || v > uint64(len(e)) {
		return nil, nil, false
	}
	return e[pos:k:k], e[k:v:v], true
}
