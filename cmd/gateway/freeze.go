package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) freezeCommand() *cobra.Command {
	return g.owned("freeze", "Refuse every app at once; cut what is running", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.Freeze(ctx); err != nil {
			return err
		}
		return g.done("frozen: every app is refused until gateway thaw")
	})
}
