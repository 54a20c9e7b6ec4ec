package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// KeyStore keeps one connection: the app's private key and its session. What it is given is a secret; a store must
// not log it. It must be safe for concurrent use.
type KeyStore interface {
	// Load gives what was last saved, or an error that matches ErrNotPaired when there is nothing.
	Load() ([]byte, error)
	// Save replaces what is kept, all or nothing.
	Save(data []byte) error
	// Delete forgets what is kept; nothing kept is no error.
	Delete() error
}

// maxRecordBytes bounds what is read from a store.
const maxRecordBytes = 256 << 10

// MemoryKeyStore keeps the connection until the process ends.
func MemoryKeyStore() KeyStore { return new(memoryKeyStore) }

type memoryKeyStore struct {
	mu   sync.Mutex
	data []byte
}

func (s *memoryKeyStore) Load() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		return nil, ErrNotPaired
	}
	return append([]byte(nil), s.data...), nil
}

func (s *memoryKeyStore) Save(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append([]byte{}, data...)
	return nil
}

func (s *memoryKeyStore) Delete() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = nil
	return nil
}

// FileKeyStore keeps the connection in dir/keywicket-connection.json, a file that only its owner can read (0600). The
// directory is made (0700) when it is first needed. A file that others can read is refused, since somebody else may
// have the key by now. Writing goes to a new file that then takes the old one's place, so that a crash leaves the one
// or the other.
func FileKeyStore(dir string) KeyStore { return &fileKeyStore{dir: dir} }

type fileKeyStore struct {
	dir string
	mu  sync.Mutex
}

func (s *fileKeyStore) path() string { return filepath.Join(s.dir, "keywicket-connection.json") }

func (s *fileKeyStore) Load() ([]byte, error) {
	file, err := os.Open(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", s.path(), ErrNotPaired)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	defer file.Close()
	if err := checkPrivate(file); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxRecordBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	return data, nil
}

func checkPrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a regular file", ErrKeyStore, file.Name())
	}
	// Windows has no such bits; there the directory's access list protects the file.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s can be read by others (mode %04o): revoke the app and pair again, or chmod 600 it if nobody else has been on this machine",
			ErrKeyStore, file.Name(), info.Mode().Perm())
	}
	return nil
}

func (s *fileKeyStore) Save(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	file, err := os.CreateTemp(s.dir, ".keywicket-connection-*") // 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, errors.Join(err, os.Remove(file.Name())))
	}
	s.syncDir()
	return nil
}

// writable finds out, before a pairing string is spent, whether a connection can be kept.
func (s *fileKeyStore) writable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	file, err := os.CreateTemp(s.dir, ".keywicket-connection-*")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// syncDir makes the rename durable. Not every file system can, and the file is whole either way.
func (s *fileKeyStore) syncDir() {
	if dir, err := os.Open(s.dir); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}

func (s *fileKeyStore) Delete() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	return nil
}
