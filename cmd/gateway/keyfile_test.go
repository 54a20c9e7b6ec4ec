package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "unlock.key")
	file, err := newKeyFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newKeyFile(name); err == nil {
		t.Error("a key file was overwritten")
	}
	key := []byte("a line of key\n")
	if err := file.keep(key); err != nil {
		t.Fatal(err)
	}
	file.discard() // does nothing to what was kept
	if data, err := os.ReadFile(name); err != nil || string(data) != "a line of key\n" {
		t.Errorf("kept %q, %v", data, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if string(key) == "a line of key\n" {
		t.Error("the key was left in memory")
	}

	unused := filepath.Join(t.TempDir(), "unused.key")
	if file, err = newKeyFile(unused); err != nil {
		t.Fatal(err)
	}
	file.discard()
	if _, err := os.Stat(unused); !os.IsNotExist(err) {
		t.Errorf("a key file without a key was left behind: %v", err)
	}
}
