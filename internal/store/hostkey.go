package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

const (
	hostKeyFile     = "host.key"
	hostKeyFormat   = 1
	maxHostKeyBytes = 64 << 10
)

// hostKeyJSON is the file's layout: Tink keysets in their JSON form. There are
// two generations only while a rotation is under way.
//
// The 0600 file keeps apart those who can read the database file (a synced
// folder, a copied disk image) from those who can read the owner's files.
type hostKeyJSON struct {
	Format      int              `json:"format"`
	Deriving    json.RawMessage  `json:"deriving"`
	Generations []generationJSON `json:"generations"` // oldest first
}

type generationJSON struct {
	ID      uint32          `json:"id"`
	Sealing json.RawMessage `json:"sealing"`
	Naming  json.RawMessage `json:"naming"`
}

// loadHostKey reads the host key of dir, making one only when the database is
// new: a lost key must never be replaced silently, since every record would
// then look absent or damaged.
func loadHostKey(d disk, dir string, fresh bool) (*keyring, error) {
	path := filepath.Join(dir, hostKeyFile)
	raw, err := readPrivate(path)
	switch {
	case err == nil:
		return parseHostKey(raw)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !fresh:
		return nil, fmt.Errorf("%w: %s is missing and the database cannot be read without it: put it back", ErrHostKey, path)
	}
	keys, err := createKeyring()
	if err != nil {
		return nil, err
	}
	return keys, writeHostKey(d, dir, keys)
}

func writeHostKey(d disk, dir string, keys *keyring) error {
	raw, err := keys.marshal()
	if err != nil {
		return err
	}
	if err := d.replace(filepath.Join(dir, hostKeyFile), raw); err != nil {
		return fmt.Errorf("writing host key: %w", err)
	}
	return nil
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others (mode %04o): run chmod 600 %s", ErrHostKey, path, mode, path)
	}
	if info.Size() > maxHostKeyBytes {
		return nil, fmt.Errorf("%w: not a host key file", ErrHostKey)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	return raw, nil
}

func parseHostKey(raw []byte) (*keyring, error) {
	var file hostKeyJSON
	if err := json.Unmarshal(raw, &file); err != nil || file.Format < 1 || len(file.Generations) == 0 {
		return nil, fmt.Errorf("%w: not a host key file", ErrHostKey)
	}
	if file.Format > hostKeyFormat {
		return nil, fmt.Errorf("%w: format %d: %w", ErrHostKey, file.Format, ErrNewerFormat)
	}
	deriving, err := readKeyset(file.Deriving)
	if err != nil {
		return nil, err
	}
	var generations []*generation
	last := uint32(0)
	for _, part := range file.Generations {
		if part.ID <= last {
			return nil, fmt.Errorf("%w: not a host key file", ErrHostKey)
		}
		last = part.ID
		g, err := part.parse()
		if err != nil {
			return nil, err
		}
		generations = append(generations, g)
	}
	return newKeyring(deriving, generations...)
}

func (part generationJSON) parse() (*generation, error) {
	sealing, err := readKeyset(part.Sealing)
	if err != nil {
		return nil, err
	}
	naming, err := readKeyset(part.Naming)
	if err != nil {
		return nil, err
	}
	return newGeneration(part.ID, sealing, naming)
}

func readKeyset(raw []byte) (*keyset.Handle, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: keyset cannot be read", ErrHostKey)
	}
	return h, nil
}

// marshal is the file's content: the generations that are not retired.
func (k *keyring) marshal() ([]byte, error) {
	deriving, err := marshalKeyset(k.deriving)
	if err != nil {
		return nil, err
	}
	file := hostKeyJSON{Format: hostKeyFormat, Deriving: deriving}
	for _, g := range k.generations {
		if g.id < k.oldest {
			continue
		}
		part := generationJSON{ID: g.id}
		if part.Sealing, err = marshalKeyset(g.sealing); err != nil {
			return nil, err
		}
		if part.Naming, err = marshalKeyset(g.naming); err != nil {
			return nil, err
		}
		file.Generations = append(file.Generations, part)
	}
	return json.Marshal(file)
}

func marshalKeyset(h *keyset.Handle) (json.RawMessage, error) {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}
