package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) alertsCommand() *cobra.Command {
	cmd := g.owned("alerts", "What you would want to know: limits reached, refusals", subcommand, func(ctx context.Context, client *admin.Client, _ []string) error {
		switch {
		case g.dismiss != "" && g.allAlerts:
			return usagef("--dismiss and --all contradict each other; give one of them")
		case g.dismiss != "":
			out, err := client.DismissAlert(ctx, g.dismiss)
			if err != nil {
				return err
			}
			return g.show(out, func() { g.say("dismissed %s", g.dismiss) })
		case g.allAlerts:
			out, err := client.DismissAlerts(ctx)
			if err != nil {
				return err
			}
			return g.show(out, func() { g.say("dismissed %s", count(out.Dismissed, "alert")) })
		}
		all, err := client.Alerts(ctx)
		if err != nil {
			return err
		}
		return g.show(all, func() { g.showAlerts(all) })
	})
	cmd.Long = `Show alerts, the newest first: an app has used 80 % or all of a limit of a day, a
month or its lifetime, or was refused 20 times within a minute. The last 200 are
kept. Those not dismissed have a star.

A webhook gets each alert as it comes: see gateway alerts webhook --help.`
	cmd.Example = "  gateway alerts\n  gateway alerts --dismiss alert_…\n  gateway alerts --all"
	webhook := group("webhook", "Send alerts to a URL, signed", g.webhookSetCommand(), g.webhookShowCommand(), g.webhookTestCommand(), g.webhookRemoveCommand())
	webhook.Long = `Send alerts to a URL, signed as Standard Webhooks says (webhook-id,
webhook-timestamp, webhook-signature), so that their libraries verify them. The
body is {"type", "timestamp", "data"}. It is tried eight times over about eight
hours, over restarts too; the id stays the same. Redirects are not followed.`
	cmd.AddCommand(webhook)
	return cmd
}

func (g *gateway) showAlerts(all []admin.Alert) {
	var rows [][]string
	for _, a := range all {
		star := " "
		if !a.Dismissed {
			star = "*"
		}
		rows = append(rows, []string{star, clock(a.Time), a.ID, a.Resource, fmt.Sprintf("%q %s", a.AppName, a.Words)})
	}
	g.list("no alerts", "NEW AT ID RESOURCE WHAT", rows)
}

func (g *gateway) webhookSetCommand() *cobra.Command {
	cmd := g.owned("set URL", "Send alerts there; shows a signing secret, once", exactly("a URL such as https://example.com/keywicket"), func(ctx context.Context, client *admin.Client, args []string) error {
		out, err := client.SetWebhook(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(out, func() {
			g.say("alerts go to %s", out.URL)
			g.say("signing secret, shown this once: %s", out.Secret)
			g.say("Next: gateway alerts webhook test")
		})
	})
	cmd.Long = "Send alerts to a URL, in place of any before. It must be https, or http to this\nmachine. Each set makes a new signing secret; the old one is good no more."
	return cmd
}

func (g *gateway) webhookShowCommand() *cobra.Command {
	return g.owned("show", "Where alerts are sent, and how that goes", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		w, err := client.Webhook(ctx)
		if err != nil {
			return err
		}
		return g.show(w, func() {
			pending := ""
			if w.Pending > 0 {
				pending = count(w.Pending, "alert")
			}
			g.facts("url", w.URL, "since", clock(w.CreatedAt), "delivered", clock(w.Delivered),
				"failed", strings.TrimSpace(clock(w.Failed)+" "+w.Failure), "pending", pending)
		})
	})
}

func (g *gateway) webhookTestCommand() *cobra.Command {
	return g.owned("test", "Send one message of the type test", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.TestWebhook(ctx); err != nil {
			return err
		}
		return g.done("the webhook took the message")
	})
}

func (g *gateway) webhookRemoveCommand() *cobra.Command {
	return g.owned("remove", "Send alerts nowhere", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if err := client.RemoveWebhook(ctx); err != nil {
			return err
		}
		return g.done("alerts are sent nowhere; they stay in: gateway alerts")
	})
}
