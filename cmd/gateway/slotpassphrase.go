package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) slotAddPassphraseCommand() *cobra.Command {
	cmd := g.owned("add-passphrase", "Add a further passphrase", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		passphrase, err := g.readNewPassphrase()
		if err != nil {
			return err
		}
		slot, err := client.AddPassphrase(ctx, admin.PassphraseInput{Label: g.label, Passphrase: passphrase})
		if err != nil {
			return err
		}
		return g.show(slot, func() { g.say("added %s: this passphrase unlocks the vault and signs in to the console", slot.ID) })
	})
	cmd.Long = `Add a further passphrase while the vault is unlocked. Whoever forgot theirs
unlocks with the recovery code (gateway unlock --recovery-code), adds a new
passphrase with this command, and removes the old one (gateway slot remove ID).`
	return cmd
}

func (g *gateway) slotChangePassphraseCommand() *cobra.Command {
	cmd := g.owned("change-passphrase", "Replace a passphrase by another", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		before, err := g.readPassphrase(false)
		if err != nil {
			return err
		}
		after, err := g.readNewPassphrase()
		if err != nil {
			return err
		}
		if err := client.ChangePassphrase(ctx, admin.ChangeInput{Old: before, New: after}); err != nil {
			return err
		}
		return g.done("changed: the old passphrase opens nothing any more, but for backups made before")
	})
	cmd.Long = "Replace a passphrase by another. The keys stay as they are; only what wraps their\nroot key is made anew."
	return cmd
}
