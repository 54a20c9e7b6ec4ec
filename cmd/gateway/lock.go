package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) lockCommand() *cobra.Command {
	return g.owned("lock", "Forget the provider keys until unlock; cut what is running", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.Lock(ctx); err != nil {
			return err
		}
		return g.done("locked: apps are refused until gateway unlock; browsers stay signed in until gateway sign-out")
	})
}
