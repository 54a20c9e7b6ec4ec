package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) unlockCommand() *cobra.Command {
	return g.owned("unlock", "Let provider keys be used", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		passphrase, err := g.readPassphrase(false)
		if err != nil {
			return err
		}
		if err := client.Unlock(ctx, passphrase); err != nil {
			return err
		}
		return g.done("unlocked")
	})
}
