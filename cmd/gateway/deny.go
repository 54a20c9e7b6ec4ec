package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) denyCommand() *cobra.Command {
	return g.owned("deny ID", "Refuse what an app asks for", exactly("the id or code of a request"), func(ctx context.Context, client *admin.Client, args []string) error {
		request, err := client.Deny(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(request, func() { g.say("denied: %s", request.AppName) })
	})
}
