package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyTestCommand() *cobra.Command {
	cmd := g.owned("test KEY", "Ask the provider whether a key works", exactly("a key: its id, label or resource"), func(ctx context.Context, client *admin.Client, args []string) error {
		test, err := client.TestKey(ctx, args[0])
		if err != nil {
			return err
		}
		if err := g.show(test, func() { g.say("%s (%s): %s", test.Key.ID, test.Key.Label, test.Words) }); err != nil {
			return err
		}
		if !test.OK {
			return errors.New("the key does not work; replace it with gateway key remove and gateway key add")
		}
		return nil
	})
	cmd.Long = "Make one cheap call to the provider with the key and say what came back."
	return cmd
}
