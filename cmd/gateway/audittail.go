package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) auditTailCommand() *cobra.Command {
	cmd := g.owned("tail", "Show the newest events", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if g.follow {
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return client.FollowAudit(ctx, int(g.lines), g.showEventNow)
		}
		events, err := client.Audit(ctx, int(g.lines))
		if err != nil {
			return err
		}
		return g.show(events, func() {
			for _, event := range events {
				g.say("%s", eventLine(event))
			}
		})
	})
	cmd.Long = "Show the newest events, oldest first. With --json they are an array; with --json and\n--follow one object a line."
	return cmd
}

// showEventNow prints an event as it happens.
func (g *gateway) showEventNow(event admin.Event) error {
	if !g.json {
		g.say("%s", eventLine(event))
		return nil
	}
	data, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	_, err = fmt.Fprintf(g.out, "%s\n", data)
	return err
}

// eventLine is one event on one line: when, what, who and the details there
// are.
func eventLine(e admin.Event) string {
	parts := []string{e.Time.UTC().Format(time.RFC3339), fmt.Sprintf("%-20s", e.Kind), string(e.Actor)}
	for _, part := range []struct{ name, value string }{
		{"app", e.AppName}, {"resource", e.Resource}, {"action", e.Action}, {"model", e.Model}, {"key", e.Key}, {"code", e.Code},
		{"status", number(int64(e.Status))}, {"ms", number(e.LatencyMS)}, {"tokens", spent(e)},
		{"request", e.RequestID}, {"from", e.Address},
	} {
		if part.value != "" {
			parts = append(parts, part.name+"="+oneWord(part.value))
		}
	}
	if e.Detail != "" {
		parts = append(parts, "("+e.Detail+")")
	}
	return strings.Join(parts, " ")
}

// oneWord quotes what an app could have chosen to look like further details.
func oneWord(text string) string {
	if strings.ContainsAny(text, " =\"()") {
		return strconv.Quote(text)
	}
	return text
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func spent(e admin.Event) string {
	if e.Usage == nil {
		return ""
	}
	return fmt.Sprintf("%d+%d", e.Usage.InputTokens, e.Usage.OutputTokens)
}
