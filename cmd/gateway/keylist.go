package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyListCommand() *cobra.Command {
	return g.owned("list", "List the stored keys", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		keys, err := client.Keys(ctx)
		if err != nil {
			return err
		}
		return g.show(keys, func() {
			var rows [][]string
			for _, key := range keys {
				rows = append(rows, []string{key.ID, key.Resource, key.Label, key.BaseURL, clock(key.CreatedAt)})
			}
			g.list("no keys; add one with: gateway key add llm:openai", "ID RESOURCE LABEL BASE-URL ADDED", rows)
		})
	})
}
