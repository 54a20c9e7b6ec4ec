package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) auditVerifyCommand() *cobra.Command {
	cmd := g.owned("verify", "Check that no event was changed, removed or added", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		result, err := client.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		if err := g.show(result, func() {
			if result.OK {
				g.say("the audit log is whole: %s", count(result.Lines, "line"))
			}
		}); err != nil {
			return err
		}
		if !result.OK {
			return fmt.Errorf("the audit log is broken in %s at line %d: %s; compare it with a copy from a backup", result.File, result.Broken, result.Reason)
		}
		return nil
	})
	cmd.Long = "Check the chain of the audit log from its first line. Each line is bound to the one\nbefore it with a key that only this gateway has."
	return cmd
}
