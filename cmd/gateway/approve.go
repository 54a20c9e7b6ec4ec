package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) approveCommand() *cobra.Command {
	cmd := g.owned("approve ID", "Grant what an app asks for", exactly("the id or code of a request"), func(ctx context.Context, client *admin.Client, args []string) error {
		term, err := g.term()
		if err != nil {
			return err
		}
		input := admin.ApproveInput{Term: term}
		if g.policyFile != "" {
			if input.Documents, err = g.readPolicy(); err != nil {
				return err
			}
		}
		output, err := client.Approve(ctx, args[0], input)
		if err != nil {
			return err
		}
		return g.show(output, func() {
			g.say("approved: %s may use", output.Request.AppName)
			g.showTerms(output.Granted)
			if output.DefaultedEnd {
				g.say("No end was given, so it ends after 30 days; --expires or --forever choose otherwise.")
			}
		})
	})
	cmd.Long = `Grant what an app asks for, or something else with --policy. A document that
names no end gets 30 days, unless --expires or --forever choose otherwise.`
	return cmd
}
