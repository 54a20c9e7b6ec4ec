// Package spool keeps request bodies that are too large for memory until their
// request is over.
//
// It guarantees that a body can be read at any place, by several readers and as
// often as needed; that memory stays bounded, whatever arrives; and that the disk
// keeps nothing: a file has no name from the moment it is made, and what is in it
// is encrypted under a key that only this process had.
//
// It refuses bodies over a limit, and more bytes than the caller has room for.
package spool

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

var (
	// ErrTooLarge is a body over the limit.
	ErrTooLarge = errors.New("the body is larger than the limit")
	// ErrNoRoom is a body for which Claim had no room.
	ErrNoRoom = errors.New("there is no room for the body")
)

// DefaultMemory is how much of a body is held in memory before a file is made.
const DefaultMemory = 256 << 10

const chunk = 64 << 10 // bytes claimed and written at once

// Config of a spool.
type Config struct {
	Dir    string // where files are made; required
	Limit  int64  // bytes of the body; required
	Memory int64  // bytes held in memory; default DefaultMemory
	Rand   io.Reader

	// Claim asks for room for n more bytes of the body, on the disk or in memory;
	// default: there always is.
	Claim func(n int64) bool
}

// Spool is one body. Once it is whole it may be read by several goroutines.
type Spool struct {
	cfg     Config
	reading sync.RWMutex // held by readers; closing waits for them
	head    []byte       // while it fits
	file    *os.File
	cipher  *offsetCipher
	size    int64
	claimed int64
	sum     hash.Hash
}

// New makes an empty spool; there is no file yet. A missing field is an error.
func New(cfg Config) (*Spool, error) {
	if cfg.Dir == "" || cfg.Limit <= 0 {
		return nil, errors.New("spool: Dir and Limit are required")
	}
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Claim == nil {
		cfg.Claim = func(int64) bool { return true }
	}
	return &Spool{cfg: cfg, sum: sha256.New()}, nil
}

// Fill reads r to its end. Errors: ErrTooLarge, ErrNoRoom, those of r as they
// are, and those of the disk.
func (s *Spool) Fill(r io.Reader) error {
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, buf[:min(chunk, s.cfg.Limit-s.size+1)])
		if n > 0 {
			if err := s.add(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *Spool) add(data []byte) error {
	n := int64(len(data))
	if s.size+n > s.cfg.Limit {
		return ErrTooLarge
	}
	if !s.cfg.Claim(n) {
		return ErrNoRoom
	}
	s.claimed += n
	s.sum.Write(data)
	if s.file == nil && s.size+n <= s.cfg.Memory {
		s.head = append(s.head, data...)
		s.size += n
		return nil
	}
	return s.write(data)
}

// write appends to the file, which it makes first if there is none. data is
// overwritten.
func (s *Spool) write(data []byte) error {
	if s.file == nil {
		if err := s.open(); err != nil {
			return err
		}
		s.size = 0
		head := s.head
		s.head = nil
		if err := s.write(head); err != nil {
			return err
		}
	}
	s.cipher.apply(data, s.size)
	n, err := s.file.WriteAt(data, s.size)
	s.size += int64(n)
	if err != nil {
		return fmt.Errorf("spooling a body: %w", err)
	}
	return nil
}

// open makes a file and takes its name away, so that nothing is left behind
// however the process ends.
func (s *Spool) open() error {
	cipher, err := newOffsetCipher(s.cfg.Rand)
	if err != nil {
		return fmt.Errorf("making a key for a body: %w", err)
	}
	file, err := os.CreateTemp(s.cfg.Dir, "body-*") // mode 0600
	if err != nil {
		return fmt.Errorf("spooling a body: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return fmt.Errorf("spooling a body: %w", err)
	}
	s.file, s.cipher = file, cipher
	return nil
}

// Size is how many bytes there are.
func (s *Spool) Size() int64 { return s.size }

// Claimed is how many bytes Claim was asked for, to be given back.
func (s *Spool) Claimed() int64 { return s.claimed }

// Sum is the SHA-256 of the body.
func (s *Spool) Sum() (sum [sha256.Size]byte) {
	s.sum.Sum(sum[:0])
	return sum
}

// Section is the whole body.
func (s *Spool) Section() *io.SectionReader { return io.NewSectionReader(s, 0, s.size) }

// ReadAt implements io.ReaderAt. After Close there is nothing to read.
func (s *Spool) ReadAt(p []byte, at int64) (int, error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	if at < 0 || at >= s.size {
		return 0, io.EOF
	}
	if s.file == nil {
		n := copy(p, s.head[at:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	n, err := s.file.ReadAt(p, at)
	s.cipher.apply(p[:n], at)
	return n, err
}

// Close gives the disk its space back and forgets the key. It may be called
// more than once.
func (s *Spool) Close() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.head = nil
	if s.file == nil {
		s.size = 0
		return nil
	}
	file := s.file
	s.file, s.size = nil, 0
	s.cipher = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing a body: %w", err)
	}
	return nil
}
