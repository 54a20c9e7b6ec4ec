package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) vaultCommand() *cobra.Command {
	rotate := g.owned("rotate", "Make a new root key and seal every provider key anew", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.Rotate(ctx); err != nil {
			return err
		}
		return g.done("every provider key is sealed under a new root key; each way to unlock still works")
	})
	rotate.Long = `Make a new root key and seal every provider key anew, while serving. Do it after
removing a slot whose secret others may know: the removed slot then opens no copy
of the data made from now on. Interrupted, it goes on when run again.`
	return group("vault", "The keys' own key", rotate)
}

func (g *gateway) hostKeyCommand() *cobra.Command {
	rotate := g.owned("rotate", "Make a new host key and seal every record anew", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.RotateHostKey(ctx); err != nil {
			return err
		}
		return g.done("every record is sealed under a new host key; sessions and tokens go on")
	})
	rotate.Long = `Make a new host key and seal every record anew, while serving. Apps notice
nothing. Do it after host.key may have been copied. Interrupted, it goes on when
run again.`
	return group("host-key", "The key beside the database", rotate)
}
