package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// keyFile is a file created for a key before the key exists, so that a name
// that cannot be written is found out before anything is changed.
type keyFile struct {
	name string
	file *os.File
}

// newKeyFile creates a file only its owner can read. It never overwrites: the
// file there may be the one key to another gateway. An empty name is no file.
func newKeyFile(name string) (*keyFile, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists and is not overwritten; choose another name", name)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the key file: %w; choose another name", err)
	}
	return &keyFile{name: name, file: file}, nil
}

// keep writes the key durably.
func (k *keyFile) keep(key []byte) error {
	defer clear(key)
	_, err := k.file.Write(key)
	err = errors.Join(err, k.file.Sync(), k.file.Close())
	if err != nil {
		return fmt.Errorf("writing the key file: %w; remove its slot with gateway slot remove and add another", err)
	}
	k.file = nil
	return nil
}

// discard removes the file unless it was kept. A nil keyFile has nothing to
// discard.
func (k *keyFile) discard() {
	if k != nil && k.file != nil {
		_ = k.file.Close()
		_ = os.Remove(k.name)
	}
}
