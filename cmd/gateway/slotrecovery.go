package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) slotAddRecoveryCommand() *cobra.Command {
	cmd := g.owned("add-recovery", "Make a recovery code and show it once", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		made, err := client.AddRecoveryCode(ctx, g.label)
		if err != nil {
			return err
		}
		return g.show(made, func() { g.sayRecoveryCode(made.Code) })
	})
	cmd.Long = `Make a recovery code: it unlocks the vault, and opens backups made from now on,
when the passphrase is forgotten. It is shown once and kept nowhere.`
	return cmd
}

// sayRecoveryCode is the one moment in which a recovery code is seen.
func (g *gateway) sayRecoveryCode(code string) {
	g.say("Recovery code: %s", code)
	g.say("Write it down and keep it away from this machine. It is not shown again, and")
	g.say("opens the vault when the passphrase is forgotten: gateway unlock --recovery-code")
}
