package main

import "github.com/spf13/cobra"

func (g *gateway) keyCommand() *cobra.Command {
	return group("key", "Provider keys",
		g.keyAddCommand(), g.keyListCommand(), g.keyTestCommand(), g.keySetCommand(), g.keyDrainCommand(), g.keyResumeCommand(), g.keyRemoveCommand())
}
