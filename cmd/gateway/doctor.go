package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/plugins/all"
)

func (g *gateway) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, or may go wrong",
		Long: `Look at files, disk, clock, database, audit log, backups, public address,
providers and unsafe habits, with or without a gateway running. Each finding
says what to do. The exit code is 1 when there is a problem; warnings and notes
are no problem yet.

Without a running gateway the data is opened as gateway serve would open it, on
a free loopback port and for as long as the look takes.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.doctor(cmd.Context()) },
	}
}

// checkup is what --json prints.
type checkup struct {
	Worst    doctor.Severity  `json:"worst"`
	Findings []doctor.Finding `json:"findings"`
}

func (g *gateway) doctor(ctx context.Context) error {
	findings, err := g.examine(ctx)
	if err != nil {
		return err
	}
	doctor.Sort(findings)
	problems := 0
	for _, f := range findings {
		if f.Severity == doctor.Problem {
			problems++
		}
	}
	err = g.show(checkup{Worst: doctor.Worst(findings), Findings: findings}, func() {
		for _, f := range findings {
			g.say("%-8s %s: %s", f.Severity, f.Check, f.Message)
			if f.Remedy != "" {
				g.say("         do: %s", f.Remedy)
			}
		}
	})
	if err == nil && problems > 0 {
		return fmt.Errorf("%s among %s; do what stands under each, then run: gateway doctor%s", count(problems, "problem"), count(len(findings), "finding"), g.dataFlag())
	}
	return err
}

// examine collects every finding, from outside first: they are told even when
// the data cannot be opened.
func (g *gateway) examine(ctx context.Context) ([]doctor.Finding, error) {
	findings := doctor.Files(g.data)
	if _, err := os.Stat(g.data); err != nil {
		return findings, nil
	}
	findings = append(findings, doctor.Disk(g.data)...)
	findings = append(findings, doctor.Unsafe(doctor.Habits{
		DataDir: g.data, UnlockFile: g.unlockFile, PassphraseInEnvironment: g.env("KEYWICKET_PASSPHRASE") != "",
	})...)
	if _, err := os.Stat(filepath.Join(g.data, "keywicket.db")); errors.Is(err, os.ErrNotExist) {
		return append(findings, doctor.Finding{
			Check: "database", Severity: doctor.Problem, Message: "there is no database in " + g.data,
			Remedy: "set a gateway up with: gateway init" + g.dataFlag() + "; or name another directory with --data DIR",
		}), nil
	}
	_, err := admin.Dial(g.data)
	serving := err == nil
	var inside []doctor.Finding
	_, err = g.withGateway(ctx, func(ctx context.Context, client *admin.Client) (err error) {
		inside, err = g.examineInside(ctx, client, serving)
		return err
	})
	if err != nil {
		if _, usage := errors.AsType[usageError](err); usage {
			return nil, err
		}
		inside = append(inside, doctor.Finding{
			Check: "database", Severity: doctor.Problem, Message: oneLine(err),
			Remedy: "do what it says; if the data is damaged, restore a backup: gateway restore FILE --data DIR",
		})
	}
	return append(findings, inside...), nil
}

// examineInside asks the gateway that holds the data, and checks from here
// what it names.
func (g *gateway) examineInside(ctx context.Context, client *admin.Client, serving bool) ([]doctor.Finding, error) {
	examination, err := client.Examine(ctx)
	if err != nil {
		return nil, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	providers, err := g.reached(ctx, client)
	if err != nil {
		return nil, err
	}
	address := status.PublicURL
	if !serving {
		address = cmp.Or(strings.TrimSuffix(g.publicURL, "/"), "http://"+g.listen)
	}
	now := time.Now()
	findings := examination.Findings
	findings = append(findings, doctor.Clock(now, examination.NewestEvent)...)
	findings = append(findings, doctor.Backup(now, examination.NewestBackup)...)
	findings = append(findings, doctor.PublicURL(ctx, address, serving && !status.Restored, now)...)
	return append(findings, doctor.Providers(ctx, providers)...), nil
}

// reached lists where requests go: for each stored key its own base URL, or
// the provider's.
func (g *gateway) reached(ctx context.Context, client *admin.Client) ([]doctor.Provider, error) {
	known, err := all.Providers()
	if err != nil {
		return nil, fmt.Errorf("loading providers: %w", err)
	}
	base := map[string]string{}
	for _, p := range known {
		base[p.Manifest().ID] = p.Manifest().BaseURL
	}
	keys, err := client.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var to []doctor.Provider
	seen := map[doctor.Provider]bool{}
	for _, key := range keys {
		p := doctor.Provider{Resource: key.Resource, BaseURL: cmp.Or(key.BaseURL, base[key.Resource]), AllowPrivate: key.AllowPrivate}
		if !seen[p] {
			seen[p] = true
			to = append(to, p)
		}
	}
	return to, nil
}
