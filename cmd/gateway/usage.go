package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
)

// usageSpan is how far back usage is shown when nothing is said.
const usageSpan = 30 * 24 * time.Hour

func (g *gateway) usageCommand() *cobra.Command {
	cmd := g.owned("usage", "What apps have used", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		if g.csv && g.json {
			return usagef("--csv and --json contradict each other; give one of them")
		}
		query, err := g.usageQuery(time.Now())
		if err != nil {
			return err
		}
		report, err := client.Usage(ctx, query)
		if err != nil {
			return err
		}
		if g.csv {
			return g.usageCSV(report)
		}
		return g.show(report, func() { g.showUsage(report) })
	})
	cmd.Long = `Show what apps have used: requests, tokens, dollars, refusals, errors and
latency, by app, model, resource, day, hour or rule. Without --since it is the
last 30 days. Days are the owner's; an hour is the smallest step. Two years are
kept; a crash loses the last seconds at most.

Dollars are what the limits counted: what the provider stated, or the tokens at
the prices of gateway prices list. Where no price is known, they are 0.`
	cmd.Example = "  gateway usage --by model --since 7d\n  gateway usage --by day --since 2026-11-01 --app Notes --csv >november.csv\n  gateway usage --by rule"
	return cmd
}

func (g *gateway) usageQuery(now time.Time) (q admin.UsageQuery, err error) {
	q = admin.UsageQuery{By: g.by, App: g.app}
	if q.Since, err = dayOrMoment("--since", g.since, now); err != nil {
		return q, err
	}
	if q.Since == "" {
		q.Since = now.Add(-usageSpan).Format(time.RFC3339)
	}
	q.Until, err = dayOrMoment("--until", g.until, now)
	return q, err
}

// dayOrMoment leaves a day as it is, since it begins where the gateway's owner
// is, and turns how long ago into a moment.
func dayOrMoment(flag, text string, now time.Time) (string, error) {
	if _, err := time.Parse(time.DateOnly, text); err == nil || text == "" {
		return text, nil
	}
	at, err := moment(flag, text, now)
	return at.Format(time.RFC3339), err
}

func (g *gateway) showUsage(r admin.UsageReport) {
	from := "the beginning"
	if !r.Since.IsZero() {
		from = clock(r.Since)
	}
	g.say("from %s to %s", from, clock(r.Until))
	if r.By == "rule" {
		var rows [][]string
		for _, row := range r.Rows {
			rows = append(rows, []string{row.Key, strconv.FormatInt(row.Denied, 10)})
		}
		g.list("no request was refused", "RULE REFUSED", rows)
		return
	}
	var rows [][]string
	for _, row := range r.Rows {
		rows = append(rows, usageCells(usageName(row), row))
	}
	if len(rows) > 1 {
		rows = append(rows, usageCells("in all", sums(r.Total)))
	}
	g.list("nothing was used", strings.ToUpper(r.By)+" REQUESTS TOKENS-IN CACHED TOKENS-OUT DOLLARS REFUSED ERRORS MEAN-MS", rows)
}

// sums are a row of no group.
func sums(s admin.Sums) admin.UsageRow {
	var row admin.UsageRow
	row.Sums = s
	return row
}

func usageCells(name string, row admin.UsageRow) []string {
	cells := []string{name}
	for _, n := range []int64{row.Requests, row.InputTokens, row.CachedTokens, row.OutputTokens} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	cells = append(cells, policy.Dollars(row.Cost).String())
	for _, n := range []int64{row.Denied, row.Errors, row.Latency.MeanMS()} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	return cells
}

// usageName is a group for people.
func usageName(row admin.UsageRow) string {
	switch {
	case row.Name != "":
		return row.Name
	case !row.Start.IsZero() && len(row.Key) > len(time.DateOnly):
		return clock(row.Start)
	case row.Key == "":
		return "(none)"
	}
	return row.Key
}

func (g *gateway) usageCSV(r admin.UsageReport) error {
	w := csv.NewWriter(g.out)
	rows := [][]string{{
		r.By, "name", "requests", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens",
		"dollars", "denied", "errors", "mean_ms", "max_ms",
	}}
	for _, row := range r.Rows {
		cells := []string{csvText(row.Key), csvText(row.Name)}
		for _, n := range []int64{row.Requests, row.InputTokens, row.CachedTokens, row.CacheWriteTokens, row.OutputTokens} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		cells = append(cells, policy.Dollars(row.Cost).String())
		for _, n := range []int64{row.Denied, row.Errors, row.Latency.MeanMS(), row.Latency.MaxMS} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		rows = append(rows, cells)
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("printing CSV: %w", err)
	}
	return nil
}

// csvText keeps a spreadsheet from taking a text for a formula: names of
// models and apps are chosen by others.
func csvText(text string) string {
	text = printable(text)
	if strings.IndexAny(text, "=+-@\t\r") == 0 {
		return "'" + text
	}
	return text
}
