package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

// owned makes a command that sends something to the running gateway.
func (g *gateway) owned(use, short string, args cobra.PositionalArgs, run func(context.Context, *admin.Client, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.onceDialed(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return run(ctx, client, args)
			})
		},
	}
}

// outcome is what --json prints for commands without data of their own.
type outcome struct {
	OK bool `json:"ok"`
}

// done reports that a command did what its name says.
func (g *gateway) done(format string, args ...any) error {
	return g.show(outcome{OK: true}, func() { g.say(format, args...) })
}
