package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyRemoveCommand() *cobra.Command {
	return g.owned("remove KEY", "Delete a stored key", exactly("a key: its id, label or resource"), func(ctx context.Context, client *admin.Client, args []string) error {
		key, err := client.RemoveKey(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(key, func() { g.say("removed %s (%s, %s)", key.ID, key.Resource, key.Label) })
	})
}
