package main

import (
	"context"
	"strconv"

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
				rows = append(rows, []string{key.ID, key.Resource, key.Label, keyState(key), strconv.Itoa(key.Health.InUse), key.BaseURL, clock(key.CreatedAt)})
			}
			g.list("no keys; add one with: gateway key add llm:openai", "ID RESOURCE LABEL STATE IN-USE BASE-URL ADDED", rows)
		})
	})
}

// keyState is whether a key is used, in a word.
func keyState(key admin.Key) string {
	switch {
	case key.Draining && key.Health.InUse > 0:
		return "draining"
	case key.Draining:
		return "drained"
	case key.Health.SlowModels > 0 && key.Health.State == "ok":
		return "slow"
	}
	return key.Health.State
}
