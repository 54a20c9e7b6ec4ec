package main

import (
	"context"
	"strconv"
	"strings"

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

// keyState is whether a key is used, in a word, or for how many it rests.
func keyState(key admin.Key) string {
	switch {
	case key.Draining && key.Health.InUse > 0:
		return "draining"
	case key.Draining:
		return "drained"
	case key.Health.State != "ok":
		return key.Health.State
	}
	var of []string
	for _, few := range []struct {
		n    int
		what string
	}{{key.Health.SlowModels, "model"}, {key.Health.Apps, "app"}} {
		if few.n > 0 {
			of = append(of, count(few.n, few.what))
		}
	}
	if len(of) == 0 {
		return "ok"
	}
	return "rests for " + strings.Join(of, ", ")
}
