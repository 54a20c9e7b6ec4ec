package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

// keySetCommand changes what was given, and leaves the rest as it is.
func (g *gateway) keySetCommand() *cobra.Command {
	var cmd *cobra.Command
	cmd = g.owned("set KEY", "Say in which order keys are tried, and how they share", exactly("a key: its id, label or resource"), func(ctx context.Context, client *admin.Client, args []string) error {
		given := cmd.Flags().Changed
		if !given("rank") && !given("weight") {
			return usagef("give --rank, --weight or both; see: %s --help", cmd.CommandPath())
		}
		return g.arrangeKey(ctx, client, args[0], func(a *admin.Arrangement) {
			if given("rank") {
				a.Rank = int(g.rank)
			}
			if given("weight") {
				a.Weight = int(g.weight)
			}
		})
	})
	cmd.Long = `Say in which order the keys of one provider are tried. The key of the lowest
rank comes first; keys of the same rank share the requests by weight. When a key
is refused, out of credit or told to slow down, the next one is tried.`
	cmd.Example = "  gateway key set spare --rank 1\n  gateway key set work --weight 3"
	return cmd
}

func (g *gateway) keyDrainCommand() *cobra.Command {
	return g.owned("drain KEY", "Use a key for no further request", exactly("a key: its id, label or resource"), func(ctx context.Context, client *admin.Client, args []string) error {
		return g.arrangeKey(ctx, client, args[0], func(a *admin.Arrangement) { a.Draining = true })
	})
}

func (g *gateway) keyResumeCommand() *cobra.Command {
	return g.owned("resume KEY", "Use a drained key again", exactly("a key: its id, label or resource"), func(ctx context.Context, client *admin.Client, args []string) error {
		return g.arrangeKey(ctx, client, args[0], func(a *admin.Arrangement) { a.Draining = false })
	})
}

func (g *gateway) arrangeKey(ctx context.Context, client *admin.Client, name string, change func(*admin.Arrangement)) error {
	key, err := client.Key(ctx, name)
	if err != nil {
		return err
	}
	change(&key.Arrangement)
	key, err = client.ArrangeKey(ctx, key.ID, key.Arrangement)
	if err != nil {
		return err
	}
	return g.show(key, func() {
		g.say("%s (%s, %s): %s", key.ID, key.Resource, key.Label, key.Arrangement.Words())
		if key.Draining {
			g.say("see when it is no longer in use with: gateway key list")
		}
	})
}
