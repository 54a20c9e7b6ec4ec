package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) appListCommand() *cobra.Command {
	return g.owned("list", "List apps", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		apps, err := client.Apps(ctx)
		if err != nil {
			return err
		}
		return g.show(apps, func() {
			var rows [][]string
			for _, app := range apps {
				rows = append(rows, []string{app.ID, app.Name, app.Status, resources(app), clock(app.LastUsedAt)})
			}
			g.list("no apps; let one in with: gateway pair", "ID NAME STATUS RESOURCES LAST-USED", rows)
		})
	})
}

func resources(app admin.App) string {
	var ids []string
	for _, document := range app.Permissions {
		ids = append(ids, document.Resource)
	}
	return strings.Join(ids, ", ")
}
