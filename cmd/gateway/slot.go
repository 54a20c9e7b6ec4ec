package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) slotCommand() *cobra.Command {
	return group("slot", "Ways to unlock: passphrases, recovery codes and key files",
		g.slotListCommand(), g.slotAddCommand(), g.slotAddPassphraseCommand(), g.slotChangePassphraseCommand(),
		g.slotAddRecoveryCommand(), g.slotRemoveCommand())
}

func (g *gateway) slotListCommand() *cobra.Command {
	return g.owned("list", "List the ways to unlock", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		slots, err := client.Slots(ctx)
		if err != nil {
			return err
		}
		return g.show(slots, func() {
			var rows [][]string
			for _, slot := range slots {
				rows = append(rows, []string{slot.ID, slot.Kind, slot.Label, clock(slot.CreatedAt)})
			}
			g.list("not set up; run: gateway init", "ID KIND LABEL ADDED", rows)
		})
	})
}

func (g *gateway) slotRemoveCommand() *cobra.Command {
	return g.owned("remove ID", "Take a way to unlock away", exactly("the id of a slot"), func(ctx context.Context, client *admin.Client, args []string) error {
		if err := client.RemoveSlot(ctx, args[0]); err != nil {
			return err
		}
		return g.done("removed %s: it unlocks nothing any more", args[0])
	})
}
