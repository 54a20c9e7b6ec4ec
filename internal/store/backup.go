package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// BackupKeys is what a backup is sealed with.
type BackupKeys struct {
	// Key is 32 random bytes of its own for one backup. Required.
	Key []byte
	// Envelope is Key wrapped so that the owner can open it on another
	// machine; kept in clear at the front of the backup, at most
	// MaxEnvelopeBytes. Required.
	Envelope []byte
}

// MaxEnvelopeBytes bounds BackupKeys.Envelope.
const MaxEnvelopeBytes = 64 << 10

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Format      int            `json:"format"`
	CreatedAt   time.Time      `json:"created_at"`
	Bytes       int64          `json:"bytes"` // of the database
	Records     int            `json:"records"`
	Collections map[string]int `json:"collections"` // records by collection
}

// OpenEnvelope returns the key that a backup's envelope wraps.
type OpenEnvelope func(envelope []byte) (key []byte, err error)

// Backup writes one consistent state of all records, and the host key, as one
// encrypted stream. The store goes on serving.
func (s *Store) Backup(w io.Writer, keys BackupKeys) error { return errors.ErrUnsupported }

// VerifyBackup reads a whole backup and checks that every record in it opens.
// Error: ErrBackup, or what open returned.
func VerifyBackup(r io.Reader, open OpenEnvelope) (BackupInfo, error) {
	return BackupInfo{}, errors.ErrUnsupported
}

// Restore verifies a whole backup and then makes dir of it, which must be
// absent or empty. The restored store is unconfirmed: see Store.Restored.
// Errors: ErrBackup, ErrNotEmpty, or what open returned.
func Restore(r io.Reader, dir string, open OpenEnvelope) (BackupInfo, error) {
	return BackupInfo{}, errors.ErrUnsupported
}

// ErrBackup says that a stream is not a whole, unaltered backup.
var ErrBackup = errors.New("not a whole, unaltered backup")

// ErrNotEmpty says that a directory to restore into has something in it.
var ErrNotEmpty = errors.New("directory is not empty: restore into a new one")

// Finding is one thing Check found wrong.
type Finding struct {
	// Collection and Record say where, as far as it is known. Record is the
	// first bytes of the record's name in the file, in hex.
	Collection string `json:"collection,omitempty"`
	Record     string `json:"record,omitempty"`
	Problem    string `json:"problem"`
}

// Check reads the whole file: its structure, the head, every record.
func (s *Store) Check(ctx context.Context) ([]Finding, error) { return nil, errors.ErrUnsupported }
