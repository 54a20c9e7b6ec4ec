package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const hostKeyFile = "host.key"

// hostKey is what the 0600 file beside the database unlocks: it keeps apart
// those who can read the database file (a backup, a synced folder) from those
// who can read this machine's owner's files.
type hostKey struct {
	seal tink.AEAD
	name *prf.Set
}

// hostKeyJSON is the file's layout: two Tink keysets in their JSON form.
type hostKeyJSON struct {
	Format  int             `json:"format"`
	Sealing json.RawMessage `json:"sealing"`
	Naming  json.RawMessage `json:"naming"`
}

// loadHostKey reads the host key of dir, making one only when the database is
// new: a lost key must never be replaced silently, since every record would
// then look absent or damaged.
func loadHostKey(dir string, fresh bool) (*hostKey, error) {
	path := filepath.Join(dir, hostKeyFile)
	raw, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return nil, fmt.Errorf("%w: %s is missing and the database cannot be read without it: put it back", ErrHostKey, path)
		}
		return createHostKey(path)
	}
	if err != nil {
		return nil, err
	}
	return parseHostKey(raw)
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others (mode %04o): run chmod 600 %s", ErrHostKey, path, mode, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	return raw, nil
}

func parseHostKey(raw []byte) (*hostKey, error) {
	var file hostKeyJSON
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("%w: not a host key file", ErrHostKey)
	}
	if file.Format != format {
		return nil, fmt.Errorf("%w: format %d: %w", ErrHostKey, file.Format, ErrNewerFormat)
	}
	sealing, err := readKeyset(file.Sealing)
	if err != nil {
		return nil, err
	}
	naming, err := readKeyset(file.Naming)
	if err != nil {
		return nil, err
	}
	return newHostKey(sealing, naming)
}

func newHostKey(sealing, naming *keyset.Handle) (*hostKey, error) {
	seal, err := aead.New(sealing)
	if err != nil {
		return nil, fmt.Errorf("%w: sealing keyset is unusable", ErrHostKey)
	}
	name, err := prf.NewPRFSet(naming)
	if err != nil {
		return nil, fmt.Errorf("%w: naming keyset is unusable", ErrHostKey)
	}
	return &hostKey{seal: seal, name: name}, nil
}

func readKeyset(raw []byte) (*keyset.Handle, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: keyset cannot be read", ErrHostKey)
	}
	return h, nil
}

// createHostKey writes a new key. The link fails when the file exists, so two
// processes that start at once end up with one key.
func createHostKey(path string) (*hostKey, error) {
	// XChaCha20-Poly1305 for its 192-bit nonce: counters are sealed again on
	// every write and random 96-bit nonces would wear out over the years.
	sealing, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	naming, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, err
	}
	raw, err := marshalHostKey(sealing, naming)
	if err != nil {
		return nil, err
	}
	switch err := writeNew(path, raw); {
	case errors.Is(err, fs.ErrExist):
		raw, err := readPrivate(path)
		if err != nil {
			return nil, err
		}
		return parseHostKey(raw)
	case err != nil:
		return nil, fmt.Errorf("writing host key: %w", err)
	}
	return newHostKey(sealing, naming)
}

func marshalHostKey(sealing, naming *keyset.Handle) ([]byte, error) {
	file := hostKeyJSON{Format: format}
	for _, part := range []struct {
		from *keyset.Handle
		to   *json.RawMessage
	}{{sealing, &file.Sealing}, {naming, &file.Naming}} {
		var buf bytes.Buffer
		if err := insecurecleartextkeyset.Write(part.from, keyset.NewJSONWriter(&buf)); err != nil {
			return nil, err
		}
		*part.to = bytes.TrimSpace(buf.Bytes())
	}
	return json.Marshal(file)
}

// writeNew writes a 0600 file that appears whole or not at all.
func writeNew(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// prf returns 32 bytes for the parts, each of which is length-prefixed so that
// no two lists of parts collide.
func (k *hostKey) prf(parts ...string) []byte {
	var in []byte
	for _, p := range parts {
		in = appendPart(in, p)
	}
	out, err := k.name.ComputePrimaryPRF(in, 32)
	if err != nil {
		// The keyset was checked when it was loaded and 32 bytes is its length.
		panic(fmt.Sprintf("store: deriving a name: %v", err))
	}
	return out
}
