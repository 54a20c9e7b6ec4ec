package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

const (
	// DefaultBackupKeep is how many automatic backups are kept.
	DefaultBackupKeep = 7

	backupEvery = 24 * time.Hour
	backupLook  = time.Minute // how often it is looked whether one is due
	backupRetry = time.Hour   // after one that failed
	backupStamp = "20060102T150405Z"
)

// backupName matches the automatic backups, and nothing that the owner may
// have put beside them: only these are ever removed.
var backupName = regexp.MustCompile(`^keywicket-(\d{8}T\d{6}Z)\.backup$`)

// backups makes one backup a day into a directory. They are named after the
// moment they were made at, so that a restart knows when the next is due.
type backups struct {
	dir    string
	keep   int
	clock  func() time.Time
	make   func(io.Writer) error
	record func(audit.Event) error
	log    *slog.Logger
	failed time.Time // of the last attempt, if that failed
}

// run makes backups until ctx is done.
func (b *backups) run(ctx context.Context) {
	look := time.NewTicker(backupLook)
	defer look.Stop()
	for {
		if err := b.turn(); err != nil {
			b.log.Error("the daily backup was not made", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// turn makes a backup if one is due. While the vault is locked none can be
// made: the next is due as soon as it is unlocked.
func (b *backups) turn() error {
	now := b.clock()
	if since := now.Sub(b.failed); since >= 0 && since < backupRetry {
		return nil
	}
	made, err := b.list()
	if err != nil {
		b.failed = now
		return err
	}
	// A name from the future says that the clock was wrong, not that a
	// backup was made.
	made = slices.DeleteFunc(made, func(m madeBackup) bool { return m.at.After(now.Add(time.Hour)) })
	if n := len(made); n > 0 && now.Sub(made[n-1].at) < backupEvery {
		return nil
	}
	err = b.backup(now)
	if errors.Is(err, vault.ErrLocked) || errors.Is(err, vault.ErrNotInitialized) {
		return nil
	}
	if err != nil {
		b.failed = now
		return err
	}
	return b.prune()
}

// madeBackup is one automatic backup.
type madeBackup struct {
	name string
	at   time.Time
}

// list returns the automatic backups in the directory, the oldest first.
func (b *backups) list() ([]madeBackup, error) {
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the backup directory: %w", err)
	}
	var made []madeBackup
	for _, entry := range entries { // sorted by name, and so by time
		parts := backupName.FindStringSubmatch(entry.Name())
		if parts == nil || !entry.Type().IsRegular() {
			continue
		}
		if at, err := time.Parse(backupStamp, parts[1]); err == nil {
			made = append(made, madeBackup{entry.Name(), at})
		}
	}
	return made, nil
}

// backup writes one that appears under its name only when it is whole.
func (b *backups) backup(now time.Time) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("making the backup directory: %w", err)
	}
	file, err := os.CreateTemp(b.dir, ".keywicket-*.partial") // 0600
	if err != nil {
		return fmt.Errorf("making a backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	err = b.make(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("making a backup: %w", err)
	}
	name := "keywicket-" + now.UTC().Format(backupStamp) + ".backup"
	if err = os.Rename(file.Name(), filepath.Join(b.dir, name)); err != nil {
		return fmt.Errorf("making a backup: %w", err)
	}
	return b.record(audit.Event{Kind: audit.BackupMade, Actor: audit.Gateway, Detail: name})
}

// prune removes the oldest automatic backups, and what a killed process left
// half-written.
func (b *backups) prune() error {
	made, err := b.list()
	if err != nil {
		return err
	}
	var errs []error
	for _, old := range made[:max(0, len(made)-b.keep)] {
		errs = append(errs, os.Remove(filepath.Join(b.dir, old.name)))
	}
	partial, err := filepath.Glob(filepath.Join(b.dir, ".keywicket-*.partial"))
	errs = append(errs, err)
	for _, name := range partial {
		errs = append(errs, os.Remove(name))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing old backups: %w", err)
	}
	return nil
}
