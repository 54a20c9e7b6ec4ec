package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) sessionCommand() *cobra.Command {
	return group("session", "Where apps are signed in", g.sessionListCommand(), g.sessionEndCommand())
}

func (g *gateway) sessionListCommand() *cobra.Command {
	return g.owned("list [APP]", "List sessions with key, address and last use", atMostOne("an app: its id or name"), func(ctx context.Context, client *admin.Client, args []string) error {
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		sessions, err := client.Sessions(ctx, name)
		if err != nil {
			return err
		}
		return g.show(sessions, func() {
			var rows [][]string
			for _, s := range sessions {
				rows = append(rows, []string{s.ID, s.AppName, s.Thumbprint, s.Address, clock(s.CreatedAt), clock(s.LastUsedAt)})
			}
			g.list("no app is signed in", "ID APP KEY FROM SINCE LAST-USED", rows)
		})
	})
}

func (g *gateway) sessionEndCommand() *cobra.Command {
	return g.owned("end SESSION", "End one session; cut what it has running", exactly("a session: its id"), func(ctx context.Context, client *admin.Client, args []string) error {
		session, err := client.EndSession(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(session, func() { g.say("ended %s of %s", session.ID, session.AppName) })
	})
}
