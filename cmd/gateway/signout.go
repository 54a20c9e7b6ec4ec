package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) signOutCommand() *cobra.Command {
	return g.owned("sign-out", "Sign every browser out of the console", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.SignOut(ctx); err != nil {
			return err
		}
		return g.done("signed out: every browser has to sign in again")
	})
}
