package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/vault"
)

// keeper does what concerns the data as a whole, which the store holds and the
// vault has the keys for.
type keeper struct{ r *rooms }

// Backup writes everything, sealed so that each way to unlock opens it.
// Errors: vault.ErrLocked, the store's, w's.
func (k keeper) Backup(w io.Writer) error {
	key := make([]byte, store.BackupKeyBytes)
	defer clear(key)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("making a backup: %w", err)
	}
	envelope, err := k.r.vault.WrapForBackup(key)
	if err != nil {
		return err
	}
	return k.r.store.Backup(w, store.BackupKeys{Key: key, Envelope: envelope})
}

// RotateHostKey seals every record anew.
func (k keeper) RotateHostKey(ctx context.Context) error { return k.r.store.RotateHostKey(ctx) }

// Restored says whether the owner has to accept the database as it is.
func (k keeper) Restored() bool { return k.r.store.Restored() }

// AcceptRestore accepts it.
func (k keeper) AcceptRestore() error { return k.r.store.AcceptRestore() }

// Check reads the whole database.
func (k keeper) Check(ctx context.Context) ([]doctor.Finding, error) { return k.r.checkDatabase(ctx) }

// Unlocker is what opens a backup: the owner's passphrase, recovery code or
// key file. See the constructors With….
type Unlocker = vault.Unlocker

// WithPassphrase opens a backup with a passphrase the vault had when it was
// made. The caller keeps and zeroes the text.
func WithPassphrase(passphrase []byte) Unlocker { return vault.WithPassphrase(passphrase) }

// WithRecoveryCode opens a backup with a recovery code the vault had when it
// was made. The caller keeps and zeroes the text.
func WithRecoveryCode(code []byte) Unlocker { return vault.WithRecoveryCode(code) }

// VerifyBackup reads a whole backup and checks that every record in it opens.
// Errors: store.ErrBackup, vault.ErrWrongPassphrase, vault.ErrWrongRecoveryCode,
// vault.ErrMistypedCode.
func VerifyBackup(r io.Reader, with Unlocker) (store.BackupInfo, error) {
	return store.VerifyBackup(r, opening(with))
}

// Restore verifies a whole backup and then makes the data directory dir of it,
// which must be absent or empty. Errors: as VerifyBackup, store.ErrNotEmpty.
func Restore(r io.Reader, dir string, with Unlocker) (store.BackupInfo, error) {
	return store.Restore(r, dir, opening(with))
}

func opening(with Unlocker) store.OpenEnvelope {
	return func(envelope []byte) ([]byte, error) { return vault.OpenBackupEnvelope(envelope, with) }
}

// NoCoreDumps keeps a crash of this process from writing its memory to disk.
func NoCoreDumps() error { return vault.NoCoreDumps() }
