package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) unlockCommand() *cobra.Command {
	cmd := g.owned("unlock", "Let provider keys be used", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := needSetUp(ctx, client); err != nil {
			return err
		}
		if g.recoveryCode {
			code, err := g.readRecoveryCode()
			if err != nil {
				return err
			}
			if err := client.UnlockWithRecoveryCode(ctx, code); err != nil {
				return err
			}
			return g.done("unlocked; if the passphrase is lost, set another now: gateway slot add-passphrase")
		}
		passphrase, err := g.readPassphrase(false)
		if err != nil {
			return err
		}
		if err := client.Unlock(ctx, passphrase); err != nil {
			return err
		}
		return g.done("unlocked")
	})
	cmd.Long = "Let provider keys be used, with the passphrase or, with --recovery-code, with the\nrecovery code that was shown when the gateway was set up."
	return cmd
}

// needSetUp refuses a gateway that is not set up, before a secret is asked for
// that it could not use.
func needSetUp(ctx context.Context, client *admin.Client) error {
	status, err := client.Status(ctx)
	if err == nil && !status.Initialized {
		err = &admin.Error{Code: admin.CodeNotInitialized, Message: "this gateway is not set up yet; set it up with: gateway init"}
	}
	return err
}
