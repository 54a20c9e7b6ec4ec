package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) slotAddCommand() *cobra.Command {
	cmd := g.owned("add-key-file FILE", "Make a key file for serve --unlock-file", exactly("the name of the file to write"), func(ctx context.Context, client *admin.Client, args []string) error {
		file, err := newKeyFile(args[0])
		if err != nil {
			return err
		}
		defer file.discard()
		added, err := client.AddKeyFile(ctx, g.label)
		if err != nil {
			return err
		}
		if err := file.keep(added.Key); err != nil {
			return err
		}
		return g.show(added.Slot, func() {
			g.say("wrote %s (slot %s). Unlock at start with: gateway serve --unlock-file %[1]s", args[0], added.Slot.ID)
		})
	})
	cmd.Long = `Make a file that unlocks the vault, for serve --unlock-file or a systemd
credential. Keep it away from the data directory: together they are the keys.`
	return cmd
}
