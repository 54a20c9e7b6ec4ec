package store

import (
	"errors"
	"os"
	"path/filepath"
)

// disk writes the files beside the database. Tests make its steps fail.
type disk struct {
	// step, when set, is asked before each step; its error is the step's.
	step func(step, path string) error
}

func (d disk) do(step, path string, run func() error) error {
	if d.step != nil {
		if err := d.step(step, path); err != nil {
			return &os.PathError{Op: step, Path: path, Err: err}
		}
	}
	return run()
}

// newFile is what a file is called until it is whole.
const newFile = ".new-*"

// sweep removes what a kill left of files that were not whole yet. The caller
// holds the directory's lock.
func (d disk) sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, newFile))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// replace writes a 0600 file so that, whenever the machine stops, the path has
// the old content or the new one, whole. The new one is on disk when replace
// returns nil.
func (d disk) replace(path string, data []byte) error {
	return d.replaceWith(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

func (d disk) replaceWith(path string, write func(*os.File) error) (err error) {
	var tmp *os.File
	err = d.do("create", path, func() (err error) {
		tmp, err = os.CreateTemp(filepath.Dir(path), newFile)
		return err
	})
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // of no effect once it was renamed
	err = d.do("write", path, func() error { return write(tmp) })
	if err == nil {
		err = d.do("sync", path, tmp.Sync)
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := d.do("rename", path, func() error { return os.Rename(tmp.Name(), path) }); err != nil {
		return err
	}
	return d.do("sync directory", path, func() error { return syncDir(filepath.Dir(path)) })
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
