package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) exportCommand() *cobra.Command {
	cmd := g.owned("export", "Print provider keys, apps and policies in clear", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if !g.plain {
			return usagef("this prints every provider key in clear; if that is what you want, say: gateway export --plain >FILE")
		}
		passphrase, err := g.readPassphrase(false)
		if err != nil {
			return err
		}
		all, err := client.Export(ctx, passphrase)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.errs, "%d keys in clear: keep them nowhere but where they are needed, and delete the file afterwards\n", len(all.Keys))
		return writeJSON(g.out, all)
	})
	cmd.Long = `Print everything as JSON, in clear, for whoever leaves: provider keys, apps and
their policies. The passphrase is asked for again, even while the vault is
unlocked, and the export is recorded.`
	cmd.Example = "  (umask 077; gateway export --plain >keys.json)"
	return cmd
}
