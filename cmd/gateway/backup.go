package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
)

func (g *gateway) backupCommand() *cobra.Command {
	cmd := g.owned("backup FILE", "Write everything into one encrypted file", exactly("the name of the file to write"), func(ctx context.Context, client *admin.Client, args []string) error {
		size, err := writeWhole(args[0], func(file *os.File) error { return client.Backup(ctx, file) })
		if err != nil {
			return err
		}
		return g.show(struct {
			OK    bool   `json:"ok"`
			File  string `json:"file"`
			Bytes int64  `json:"bytes"`
		}{true, args[0], size}, func() {
			g.say("wrote %s (%d kB). Check it with: gateway backup verify %[1]s", args[0], size>>10)
		})
	})
	cmd.Long = `Write everything into one encrypted file, while the gateway serves: keys, apps,
policies, counters and the host key, but not the audit log. Any passphrase or
recovery code that the vault has now opens it on any machine; slots added later
do not. The vault must be unlocked.

One a day, with the old ones cleared away: gateway serve --backup-dir DIR`
	cmd.AddCommand(g.backupVerifyCommand())
	return cmd
}

func (g *gateway) backupVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a backup is whole and opens",
		Long: `Read a whole backup and open every record in it, without a gateway and without
writing anything. It takes a passphrase that the vault had when the backup was
made, or with --recovery-code the recovery code.`,
		Args: exactly("the name of a backup"),
		RunE: func(_ *cobra.Command, args []string) error {
			var info backupInfo
			err := g.openBackup(args[0], func(file *os.File, with server.Unlocker) (err error) {
				found, err := server.VerifyBackup(file, with)
				info = backupInfo{File: args[0], Format: found.Format, CreatedAt: found.CreatedAt.UTC().Format("2006-01-02T15:04:05Z"), Records: found.Records}
				return err
			})
			if err != nil {
				return err
			}
			return g.show(info, func() {
				g.say("%s is whole: %s of %s. Restore it with: gateway restore %[1]s --data DIR", args[0], count(info.Records, "record"), info.CreatedAt)
			})
		},
	}
}

// backupInfo is what --json prints about a backup.
type backupInfo struct {
	File      string `json:"file"`
	Format    int    `json:"format"`
	CreatedAt string `json:"created_at"`
	Records   int    `json:"records"`
}

func (g *gateway) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data directory of a backup",
		Long: `Make a new data directory of a backup. All of the backup is verified before
anything is written, and a directory with something in it is refused: name a new
one with --data.

What is restored may be older than what was lost: apps revoked since are back,
and counters stand where they stood. So the gateway serves no app from it until
you have looked and said gateway accept-restore. The audit log begins anew; copy
the old one from elsewhere if you have it.`,
		Args: exactly("the name of a backup"),
		RunE: func(_ *cobra.Command, args []string) error {
			records := 0
			err := g.openBackup(args[0], func(file *os.File, with server.Unlocker) error {
				info, err := server.Restore(file, g.data, with)
				records = info.Records
				return err
			})
			if err != nil {
				return err
			}
			return g.done("restored %s to %s; next: gateway serve%s, look at apps and keys, then gateway accept-restore%[3]s", count(records, "record"), g.data, g.dataFlag())
		},
	}
}

// openBackup opens a backup file and reads what unlocks it.
func (g *gateway) openBackup(name string, fn func(*os.File, server.Unlocker) error) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%w; check the file name", err)
	}
	defer file.Close()
	if g.recoveryCode {
		code, err := g.readRecoveryCode()
		if err != nil {
			return err
		}
		return fn(file, server.WithRecoveryCode([]byte(code)))
	}
	passphrase, err := g.readPassphrase(false)
	if err != nil {
		return err
	}
	return fn(file, server.WithPassphrase([]byte(passphrase)))
}

// writeWhole makes a file only its owner can read, which appears under its
// name when all of it is on disk. It never overwrites.
func writeWhole(name string, write func(*os.File) error) (size int64, err error) {
	if _, err := os.Lstat(name); err == nil {
		return 0, fmt.Errorf("%s exists and is not overwritten; choose another name", name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".keywicket-*.partial") // 0600
	if err != nil {
		return 0, fmt.Errorf("creating the file: %w; choose another name", err)
	}
	defer os.Remove(file.Name())
	err = write(file)
	if info, statErr := file.Stat(); statErr == nil {
		size = info.Size()
	}
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, err
	}
	err = os.Link(file.Name(), name) // fails if somebody made one meanwhile
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s exists and is not overwritten; choose another name", name)
	}
	if err != nil { // a file system without links
		err = os.Rename(file.Name(), name)
	}
	return size, err
}
