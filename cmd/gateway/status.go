package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) statusCommand() *cobra.Command {
	return g.owned("status", "Say what state the gateway is in", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		status, err := client.Status(ctx)
		if err != nil {
			return err
		}
		return g.show(status, func() {
			g.facts(
				"state", stateWords(status),
				"address", status.PublicURL,
				"running", strconv.Itoa(status.Running),
				"keys", strconv.Itoa(status.Keys),
				"apps", strconv.Itoa(status.Apps),
				"waiting", strconv.Itoa(status.PendingRequests),
				"time zone", status.TimeZone,
				"since", clock(status.StartedAt),
				"version", status.Version,
			)
		})
	})
}

// stateWords says whether apps can work, and if not, what would let them.
func stateWords(s admin.Status) string {
	switch {
	case !s.Initialized:
		return "not set up; run: gateway init"
	case s.Restored:
		return "an older database was put back: look at apps and keys, then run: gateway accept-restore"
	case s.Frozen && s.Locked:
		return "frozen and locked; run: gateway unlock, then gateway thaw"
	case s.Frozen:
		return "frozen; run: gateway thaw"
	case s.Locked:
		return "locked; run: gateway unlock"
	}
	return "unlocked"
}
