package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	bolt "go.etcd.io/bbolt"
)

// A backup is
//
//	"keywicket backup\n" │ format (4 bytes) │ envelope length (4) │ envelope │ sealed stream
//
// and the stream, AES-GCM-HKDF in segments (Tink's streaming AEAD), with all
// that comes before it as associated data:
//
//	length (4) │ manifest, JSON │ length (4) │ host key file │ database file
//
// A segment that was changed, moved or left out, and a stream that was cut,
// does not open.
const (
	backupMagic  = "keywicket backup\n"
	backupFormat = 1
	segmentBytes = 1 << 20
	// BackupKeyBytes is the length of BackupKeys.Key.
	BackupKeyBytes = 32
	// MaxEnvelopeBytes bounds BackupKeys.Envelope.
	MaxEnvelopeBytes = 64 << 10
)

var (
	// ErrBackup says that a stream is not a whole, unaltered backup.
	ErrBackup = errors.New("not a whole, unaltered backup, or not of this key")
	// ErrNotEmpty says that a directory to restore into has something in it.
	ErrNotEmpty = errors.New("directory is not empty: restore into a new one")
)

// BackupKeys is what a backup is sealed with.
type BackupKeys struct {
	// Key is BackupKeyBytes random bytes, of its own for each backup.
	// Required. The caller zeroes it.
	Key []byte
	// Envelope is Key wrapped so that the owner can open it on another
	// machine; kept in clear at the front of the backup, at most
	// MaxEnvelopeBytes. Required.
	Envelope []byte
}

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Format      int            `json:"format"` // of the backup
	Database    uint32         `json:"database_format"`
	CreatedAt   time.Time      `json:"created_at"`
	Bytes       int64          `json:"bytes"` // of the database
	Records     int            `json:"records"`
	Collections map[string]int `json:"collections"` // records by collection
}

// manifest is the sealed description of what follows it.
type manifest struct {
	CreatedAt time.Time `json:"created_at"`
	Bytes     int64     `json:"bytes"` // of the database
}

// Backup writes one consistent state of all records, with the host key, as one
// encrypted stream. The store goes on serving; a rotation of the host key
// waits.
func (s *Store) Backup(w io.Writer, keys BackupKeys) error {
	s.rotation.Lock() // so that the host key is the one the records are under
	defer s.rotation.Unlock()
	hostKey, err := s.keys.Load().marshal()
	if err != nil {
		return err
	}
	defer clear(hostKey)
	to, err := sealBackup(w, keys)
	if err != nil {
		return fmt.Errorf("writing backup: %w", err)
	}
	err = s.View(func(tx *Tx) error {
		// A backup of damaged records would be found out when it is needed.
		if _, err := s.readState(tx, openEach); err != nil {
			return err
		}
		return s.writeBackup(to, hostKey, tx.bolt)
	})
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("writing backup: %w", err)
	}
	return nil
}

func (s *Store) writeBackup(to io.Writer, hostKey []byte, b *bolt.Tx) error {
	head, err := json.Marshal(manifest{CreatedAt: s.cfg.Clock().UTC().Round(0), Bytes: b.Size()})
	if err != nil {
		return err
	}
	for _, part := range [][]byte{head, hostKey} {
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(part))), part...)); err != nil {
			return err
		}
	}
	n, err := b.WriteTo(to)
	if err == nil && n != b.Size() {
		err = io.ErrShortWrite
	}
	return err
}

// BackupFile writes a backup to a 0600 file that appears whole or not at all,
// in place of any that is there, and is on disk when it returns.
func (s *Store) BackupFile(path string, keys BackupKeys) error {
	return s.disk.replaceWith(path, func(f *os.File) error { return s.Backup(f, keys) })
}

// sealBackup writes the front of a backup and returns what seals the rest.
func sealBackup(w io.Writer, keys BackupKeys) (io.WriteCloser, error) {
	if len(keys.Envelope) == 0 || len(keys.Envelope) > MaxEnvelopeBytes {
		return nil, fmt.Errorf("envelope of %d bytes", len(keys.Envelope))
	}
	front := append([]byte(backupMagic), marshalFormat(backupFormat)...)
	front = binary.BigEndian.AppendUint32(front, uint32(len(keys.Envelope)))
	front = append(front, keys.Envelope...)
	seal, err := backupCipher(keys.Key)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(front); err != nil {
		return nil, err
	}
	return seal.NewEncryptingWriter(w, front)
}

func backupCipher(key []byte) (*subtle.AESGCMHKDF, error) {
	if len(key) != BackupKeyBytes {
		return nil, fmt.Errorf("backup key of %d bytes", len(key))
	}
	return subtle.NewAESGCMHKDF(key, "SHA256", 32, segmentBytes, 0)
}
