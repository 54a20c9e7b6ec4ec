package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) thawCommand() *cobra.Command {
	return g.owned("thaw", "End a freeze", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.Thaw(ctx); err != nil {
			return err
		}
		return g.done("thawed: apps may work again")
	})
}
