package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The seeds are the frozen files, and what fuzzing found worth keeping.
func frozen(f *testing.F, name string) []byte {
	raw, err := os.ReadFile(filepath.Join("testdata", "format-1", name))
	if err != nil {
		f.Fatal(err) // without its seeds a fuzz target tests nothing
	}
	return raw
}

// FuzzImage reads any bytes as a database: it ends, with ErrCorrupt or with
// records that lie within the file.
func FuzzImage(f *testing.F) {
	f.Add(frozen(f, "keywicket.db"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		im, err := readImage(bytes.NewReader(raw))
		size := 0
		if err == nil {
			err = im.walk(func(bucket, name, value []byte) error {
				size += len(name) + len(value)
				return nil
			})
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("got %v", err)
		}
		if size > len(raw) {
			t.Errorf("%d bytes of records in %d bytes", size, len(raw))
		}
	})
}

func FuzzHostKey(f *testing.F) {
	f.Add(frozen(f, hostKeyFile))
	f.Add([]byte(`{"format":2,"generations":[{"id":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseHostKey(raw)
		if err != nil {
			if !errors.Is(err, ErrHostKey) {
				t.Errorf("got %v", err)
			}
			return
		}
		again, err := keys.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseHostKey(again); err != nil {
			t.Errorf("what it wrote it does not read: %v", err)
		}
	})
}

func FuzzBackup(f *testing.F) {
	f.Add(frozen(f, "backup"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key := bytes.Repeat([]byte{7}, BackupKeyBytes)
		_, err := VerifyBackup(bytes.NewReader(raw), func([]byte) ([]byte, error) { return bytes.Clone(key), nil })
		if err != nil && !errors.Is(err, ErrBackup) && !errors.Is(err, ErrNewerFormat) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzEpoch(f *testing.F) {
	raw := frozen(f, epochFile)
	f.Add(raw)
	keys, err := parseHostKey(frozen(f, hostKeyFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), epochFile)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, found, err := readEpoch(disk{}, path, keys); err != nil || (found && !bytes.Contains(raw, []byte(epochMagic))) {
			t.Errorf("found is %v, %v", found, err)
		}
	})
}
