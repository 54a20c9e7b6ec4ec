package store

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// runID names the time between two openings of a file.
type runID [16]byte

func newRun() (id runID) {
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return id
}

// epoch remembers, outside the database, how far the database has come. It is
// two slots, written in turn, so that a torn write leaves the other:
//
//	magic (8) │ turn (8) │ writes (8) │ run (16) │ next (16) │ PRF of these (32)
type epoch struct {
	disk disk
	path string
	keys *keyring

	mu   sync.Mutex
	turn uint64
	mark mark
	// behind says that the last mark could not be written.
	behind error
}

// mark is a point in the database's life.
type mark struct {
	writes uint64
	// run is the one that reached writes; next is the one about to begin, or
	// run once it has.
	run, next runID
}

const (
	slotBytes  = 8 + 8 + 8 + 16 + 16 + 32
	slotSpace  = 512 // one sector each
	epochMagic = "kwepoch1"
)

// readEpoch returns the newest intact mark of the file. found is false when
// there is none.
func readEpoch(d disk, path string, keys *keyring) (e *epoch, found bool, err error) {
	e = &epoch{disk: d, path: path, keys: keys}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading epoch: %w", err)
	}
	for at := 0; at+slotBytes <= len(raw) && at < 2*slotSpace; at += slotSpace {
		if turn, m, ok := e.parse(raw[at : at+slotBytes]); ok && (!found || turn > e.turn) {
			e.turn, e.mark, found = turn, m, true
		}
	}
	return e, found, nil
}

// covers reports whether a database with this head is the one that the mark
// was made of, or went on from there.
func (m mark) covers(h head) bool {
	return (h.run == m.run || h.run == m.next) && h.writes >= m.writes
}

// advance writes a mark in the other slot, and returns when it is on disk.
func (e *epoch) advance(m mark) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := int64((e.turn + 1) % 2 * slotSpace)
	e.mark = m // also when it fails: then catchUp writes it
	err := e.disk.do("write", e.path, func() error { return overwrite(e.path, e.slot(e.turn+1, m), at) })
	if errors.Is(err, fs.ErrNotExist) {
		return e.replaceLocked(m)
	}
	if e.behind = err; err == nil {
		e.turn++
	}
	return err
}

// catchUp writes a mark that could not be written before. Until it can be,
// nothing more is written to the database: the epoch is at most one write
// behind.
func (e *epoch) catchUp() error {
	if e.lag() == nil {
		return nil
	}
	if err := e.advance(e.mark); err != nil {
		return fmt.Errorf("writing epoch: %w", err)
	}
	return nil
}

// lag is why the last mark could not be written, or nil.
func (e *epoch) lag() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.behind
}

// replace makes the file anew.
func (e *epoch) replace(m mark) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.replaceLocked(m)
}

func (e *epoch) replaceLocked(m mark) error {
	turn := e.turn + 1
	raw := make([]byte, 2*slotSpace)
	copy(raw[turn%2*slotSpace:], e.slot(turn, m))
	if err := e.disk.replace(e.path, raw); err != nil {
		e.behind = err
		return fmt.Errorf("writing epoch: %w", err)
	}
	e.turn, e.mark, e.behind = turn, m, nil
	return nil
}

func overwrite(path string, data []byte, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, at)
	if err == nil {
		err = unix.Fdatasync(int(f.Fd()))
	}
	return errors.Join(err, f.Close())
}

func (e *epoch) slot(turn uint64, m mark) []byte {
	b := binary.BigEndian.AppendUint64([]byte(epochMagic), turn)
	b = binary.BigEndian.AppendUint64(b, m.writes)
	b = append(append(b, m.run[:]...), m.next[:]...)
	return append(b, e.seal(b)...)
}

func (e *epoch) parse(slot []byte) (turn uint64, m mark, ok bool) {
	body, sum := slot[:slotBytes-32], slot[slotBytes-32:]
	if string(body[:8]) != epochMagic || subtle.ConstantTimeCompare(sum, e.seal(body)) != 1 {
		return 0, m, false
	}
	turn, m.writes = binary.BigEndian.Uint64(body[8:]), binary.BigEndian.Uint64(body[16:])
	copy(m.run[:], body[24:])
	copy(m.next[:], body[40:])
	return turn, m, true
}

func (e *epoch) seal(body []byte) []byte {
	return compute(e.keys.derive, []string{"epoch", string(body)})
}
