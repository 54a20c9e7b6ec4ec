package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Restore verifies a whole backup and then makes dir of it, which must be
// absent or empty: it is made beside it and put in its place in one step. The
// restored store is unconfirmed: see Store.Restored.
//
// Errors: ErrBackup, ErrNotEmpty, ErrNewerFormat, ErrCorrupt, or what open
// returned.
func Restore(r io.Reader, dir string, open OpenEnvelope) (BackupInfo, error) {
	return restoreWith(disk{}, r, dir, open)
}

func restoreWith(d disk, r io.Reader, dir string, open OpenEnvelope) (BackupInfo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return BackupInfo{}, err
	}
	if err := checkEmpty(dir); err != nil {
		return BackupInfo{}, fmt.Errorf("restoring into %s: %w", dir, err)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return BackupInfo{}, fmt.Errorf("restoring into %s: %w", dir, err)
	}
	var staged string
	err = d.do("create", dir, func() (err error) {
		staged, err = os.MkdirTemp(parent, ".restoring-*") // 0700
		return err
	})
	if err != nil {
		return BackupInfo{}, fmt.Errorf("restoring into %s: %w", dir, err)
	}
	defer os.RemoveAll(staged) // of no effect once it was renamed
	info, err := stage(d, r, staged, open)
	if err != nil {
		return info, err
	}
	// rename(2) replaces an empty directory, which os.Rename refuses to.
	if err := d.do("rename", dir, func() error { return unix.Rename(staged, dir) }); err != nil {
		return info, fmt.Errorf("putting restored directory in place (it must not be a mount point itself): %w", err)
	}
	return info, d.do("sync directory", dir, func() error { return syncDir(parent) })
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && len(entries) > 0:
		return ErrNotEmpty
	}
	return err
}

// stage makes a verified data directory. It has no epoch, which is what makes
// the store unconfirmed when it is opened.
func stage(d disk, r io.Reader, dir string, open OpenEnvelope) (info BackupInfo, err error) {
	path := filepath.Join(dir, databaseFile)
	var f *os.File
	err = d.do("create", path, func() (err error) {
		f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		return err
	})
	if err != nil {
		return info, err
	}
	var hostKey []byte
	defer func() { clear(hostKey) }()
	err = d.do("write", path, func() (err error) { info, hostKey, err = unpack(r, open, f); return err })
	if err == nil {
		err = d.do("sync", path, f.Sync)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return info, err
	}
	return info, d.replace(filepath.Join(dir, hostKeyFile), hostKey)
}
