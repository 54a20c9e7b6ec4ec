package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// OpenEnvelope returns the key that a backup's envelope wraps. The envelope is
// not authenticated yet when it is called.
type OpenEnvelope func(envelope []byte) (key []byte, err error)

// maxManifestBytes bounds what is read of a backup's manifest.
const maxManifestBytes = 64 << 10

// VerifyBackup reads a whole backup and checks that every record in it opens.
// It keeps a sealed copy of the database in a temporary file meanwhile, and
// the host key in memory only.
//
// Errors: ErrBackup, ErrNewerFormat, ErrCorrupt, or what open returned.
func VerifyBackup(r io.Reader, open OpenEnvelope) (BackupInfo, error) {
	f, err := os.CreateTemp("", "keywicket-verify-*")
	if err != nil {
		return BackupInfo{}, fmt.Errorf("verifying backup: %w", err)
	}
	defer f.Close()
	defer os.Remove(f.Name())
	info, hostKey, err := unpack(r, open, f)
	clear(hostKey)
	return info, err
}

// unpack writes a backup's database to f, verifies all of it, and returns the
// host key's file.
func unpack(r io.Reader, open OpenEnvelope, f *os.File) (info BackupInfo, hostKey []byte, err error) {
	sealed, err := openBackup(r, open)
	if err != nil {
		return info, nil, err
	}
	raw, err := readPart(sealed, maxManifestBytes)
	if err != nil {
		return info, nil, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.Bytes < 0 {
		return info, nil, fmt.Errorf("%w (manifest)", ErrBackup)
	}
	if hostKey, err = readPart(sealed, maxHostKeyBytes); err != nil {
		return info, nil, err
	}
	if err := copyExactly(f, sealed, m.Bytes); err != nil {
		return info, hostKey, err
	}
	found, err := verifyDatabase(f, hostKey)
	return BackupInfo{
		Format: backupFormat, Database: found.format, CreatedAt: m.CreatedAt, Bytes: m.Bytes,
		Records: found.records, Collections: found.collections,
	}, hostKey, err
}

// openBackup reads the front of a backup and returns what opens the rest.
func openBackup(r io.Reader, open OpenEnvelope) (io.Reader, error) {
	front := make([]byte, len(backupMagic)+8)
	if _, err := io.ReadFull(r, front); err != nil || string(front[:len(backupMagic)]) != backupMagic {
		return nil, fmt.Errorf("%w (it does not begin like one)", ErrBackup)
	}
	numbers := front[len(backupMagic):]
	if v := binary.BigEndian.Uint32(numbers); v != backupFormat {
		return nil, fmt.Errorf("%w (backup format %d; this one knows %d)", ErrNewerFormat, v, backupFormat)
	}
	size := binary.BigEndian.Uint32(numbers[4:])
	if size == 0 || size > MaxEnvelopeBytes {
		return nil, fmt.Errorf("%w (envelope)", ErrBackup)
	}
	envelope := make([]byte, size)
	if _, err := io.ReadFull(r, envelope); err != nil {
		return nil, fmt.Errorf("%w (envelope)", ErrBackup)
	}
	key, err := open(envelope)
	if err != nil {
		return nil, fmt.Errorf("opening backup: %w", err)
	}
	defer clear(key)
	seal, err := backupCipher(key)
	if err != nil {
		return nil, fmt.Errorf("opening backup: %w", err)
	}
	sealed, err := seal.NewDecryptingReader(r, append(front, envelope...))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return sealed, nil
}

func readPart(r io.Reader, limit uint32) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > limit {
		return nil, fmt.Errorf("%w (layout)", ErrBackup)
	}
	part := make([]byte, n)
	if _, err := io.ReadFull(r, part); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return part, nil
}

// copyExactly copies n bytes, after which the stream must end: only at its end
// does it prove that nothing was cut off. What cannot be written is not taken
// for a fault of the backup.
func copyExactly(f *os.File, r io.Reader, n int64) error {
	to := &writer{w: f}
	copied, err := io.Copy(to, io.LimitReader(r, n))
	if to.err != nil {
		return fmt.Errorf("unpacking backup: %w", to.err)
	}
	if err == nil && copied < n {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		switch rest, end := r.Read(make([]byte, 1)); {
		case rest > 0:
			err = errors.New("more in it than it says")
		case end != io.EOF:
			err = errors.Join(end, io.ErrNoProgress)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return nil
}

// writer keeps its error apart from the reader's.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// verifyDatabase checks structure and head of a database file and opens every
// record of it.
func verifyDatabase(f io.ReaderAt, hostKey []byte) (contents, error) {
	keys, err := parseHostKey(hostKey)
	if err != nil {
		return contents{}, err
	}
	im, err := readImage(f)
	if err != nil {
		return contents{}, err
	}
	return readContents(im, keys, openEach)
}
