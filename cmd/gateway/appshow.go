package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
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
		g.say("%s in all: requests %d, tokens in %d (cached %d), tokens out %d, dollars %s",
			total.Resource, total.Requests, total.InputTokens, total.CachedTokens, total.OutputTokens, policy.Dollars(total.Cost))
	}
	if len(app.Recent.Models) == 0 {
		return
	}
	g.say("")
	var rows [][]string
	for _, row := range app.Recent.Models {
		rows = append(rows, usageCells(usageName(admin.UsageRow{Row: row}), admin.UsageRow{Row: row}))
	}
	rows = append(rows, usageCells("30 days", sums(app.Recent.Last30)), usageCells("today", sums(app.Recent.Today)))
	g.list("", "MODEL REQUESTS TOKENS-IN CACHED TOKENS-OUT DOLLARS REFUSED ERRORS MEAN-MS", rows)
	for _, row := range app.Recent.Denied {
		g.say("refused by %s in 30 days: %d", row.Key, row.Denied)
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
			amount(u.Unit, u.Used), amount(u.Unit, u.Held), amount(u.Unit, u.Limit), resets,
		})
	}
	return rows
}

// amount is a number of a limit's unit; of dollars, which are counted in
// nano-dollars, the dollars.
func amount(unit string, n int64) string {
	if unit == string(policy.NanoDollars) {
		return policy.Dollars(n).String()
	}
	return strconv.FormatInt(n, 10)
}
