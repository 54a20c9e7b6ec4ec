package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) appShowCommand() *cobra.Command {
	return g.owned("show APP", "Show what an app may do and has used", exactly("an app: its id or name"), func(ctx context.Context, client *admin.Client, args []string) error {
		app, err := client.App(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(app, func() { g.showApp(app) })
	})
}

func (g *gateway) showApp(app admin.AppDetail) {
	g.facts(
		"app", app.Name,
		"id", app.ID,
		"site", app.URI,
		"status", app.Status,
		"key", app.Thumbprint,
		"since", clock(app.CreatedAt),
		"last used", clock(app.LastUsedAt),
		"sessions", strconv.Itoa(len(app.Sessions)),
	)
	if len(app.Terms) > 0 {
		g.say("may use")
		g.showTerms(app.Terms)
	}
	if len(app.Usage) > 0 {
		g.say("")
		g.list("", "RESOURCE PER MODEL UNIT USED HELD LIMIT RESETS", usageRows(app.Usage))
	}
	for _, total := range app.Totals {
		g.say("%s in all: requests %d, tokens in %d (cached %d), tokens out %d",
			total.Resource, total.Requests, total.InputTokens, total.CachedTokens, total.OutputTokens)
	}
}

func usageRows(usage []admin.Usage) [][]string {
	var rows [][]string
	for _, u := range usage {
		resets, model := "never", u.Model
		if u.ResetsAt != nil {
			resets = clock(*u.ResetsAt)
		}
		if model == "" {
			model = "all"
		}
		rows = append(rows, []string{
			u.Resource, u.Per, model, u.Unit,
			strconv.FormatInt(u.Used, 10), strconv.FormatInt(u.Held, 10), strconv.FormatInt(u.Limit, 10), resets,
		})
	}
	return rows
}
