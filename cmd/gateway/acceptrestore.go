package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) acceptRestoreCommand() *cobra.Command {
	cmd := g.owned("accept-restore", "Serve apps again after an older database was put back", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.AcceptRestore(ctx); err != nil {
			return err
		}
		return g.done("accepted: apps are served again")
	})
	cmd.Long = `Serve apps again after an older database was put back, or restored from a backup.
Look first: apps revoked since then are back (gateway app list), keys removed
since are back (gateway key list), and limits stand where they stood.`
	return cmd
}
