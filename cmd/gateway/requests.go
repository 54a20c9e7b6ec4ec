package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) requestsCommand() *cobra.Command {
	return g.owned("requests", "Show apps that wait for your answer", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		requests, err := client.Requests(ctx)
		if err != nil {
			return err
		}
		return g.show(requests, func() {
			if len(requests) == 0 {
				g.say("no app is waiting")
			}
			for _, request := range requests {
				g.showRequest(request)
			}
		})
	})
}

// showRequest prints what the consent screen shows. The name, address and
// reason are the app's own words; its code and fingerprint are what to compare
// with what the app shows.
func (g *gateway) showRequest(r admin.Request) {
	g.say("%s  asks until %s", r.ID, clock(r.ExpiresAt))
	g.facts(
		"  app", r.AppName,
		"  site", r.AppURI,
		"  code", r.UserCode,
		"  returns to", r.RedirectURI,
		"  fingerprint", cmp.Or(r.Fingerprint, "none: it is not signed, and anybody who knows the app's id can send one"),
		"  from", r.Address,
		"  reason", r.Reason,
	)
	for _, l := range r.Lookalikes {
		how := "looks like"
		if l.Same {
			how = "is the same as"
		}
		g.say("  CAREFUL: its name %s that of %s (%s, %s); it is another app", how, printable(l.Name), l.ID, l.Status)
	}
	if len(r.Preset) > 0 {
		g.say("  would get what you attached to the string:")
	} else {
		g.say("  would get what it asks for:")
	}
	g.showTerms(r.Proposal)
	if r.DefaultedEnd {
		g.say("  It asks for no end, so it gets 30 days; --expires or --forever choose otherwise.")
	}
	if r.RedirectURI != "" {
		g.say("  It waits in your browser: approve it there, or: gateway deny %s", r.ID)
		return
	}
	g.say("  gateway approve %s, or: gateway deny %[1]s", r.ID)
}
