package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) auditExportCommand() *cobra.Command {
	cmd := g.owned("export", "Print events as CSV or JSON lines", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		now := time.Now()
		since, err := moment("--since", g.since, now)
		if err != nil {
			return err
		}
		until, err := moment("--until", g.until, now)
		if err != nil {
			return err
		}
		return client.ExportAudit(ctx, admin.AuditFilter{
			Format: g.format, Since: since, Until: until, App: g.app, Kind: g.kind, Code: g.code,
		}, g.out)
	})
	cmd.Long = `Print events of the whole audit log, rotated files included, the oldest first.
Each flag narrows what is printed. The chain that binds the lines is not part of
it: gateway audit verify checks that.`
	cmd.Example = "  gateway audit export --since 30d --app Notes >notes.csv\n  gateway audit export --format jsonl --kind request.denied"
	return cmd
}

// moment reads a time: a day, a moment as in RFC 3339, or how long ago. The
// empty text is the zero time. A day begins in this machine's zone.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	ago, err := parseDuration(text)
	if err != nil {
		return time.Time{}, usagef("%s: give a day such as 2026-11-21, a moment such as 2026-11-21T10:00:00Z, or how long ago, such as 24h or 30d", flag)
	}
	return now.Add(-ago), nil
}
