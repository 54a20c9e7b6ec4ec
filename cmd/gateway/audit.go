package main

import "github.com/spf13/cobra"

func (g *gateway) auditCommand() *cobra.Command {
	return group("audit", "The record of every decision", g.auditTailCommand(), g.auditVerifyCommand(), g.auditExportCommand())
}
