package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) appCommand() *cobra.Command {
	return group("app", "Apps that have been let in",
		g.appListCommand(), g.appShowCommand(),
		g.appChange("suspend", "Refuse an app for now; cut what it has running", "refused until gateway app resume", (*admin.Client).Suspend),
		g.appChange("resume", "End a suspension", "may work again", (*admin.Client).Resume),
		g.appChange("revoke", "End an app for good; cut what it has running", "its access is over for good", (*admin.Client).Revoke))
}

// appChange is a command that changes the status of an app.
func (g *gateway) appChange(use, short, meaning string, change func(*admin.Client, context.Context, string) (admin.App, error)) *cobra.Command {
	return g.owned(use+" APP", short, exactly("an app: its id or name"), func(ctx context.Context, client *admin.Client, args []string) error {
		app, err := change(client, ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(app, func() { g.say("%s (%s) is %s: %s", app.Name, app.ID, app.Status, meaning) })
	})
}
