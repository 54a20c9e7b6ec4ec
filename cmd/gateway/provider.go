package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/plugins"
)

func (g *gateway) providerCommand() *cobra.Command {
	return group("provider", "Services the gateway can reach",
		g.providerListCommand(), g.providerShowCommand(), g.providerAddCommand(),
		g.providerExportCommand(), g.providerRemoveCommand())
}

func (g *gateway) providerListCommand() *cobra.Command {
	return g.owned("list", "List the providers", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		all, err := client.Providers(ctx)
		if err != nil {
			return err
		}
		return g.show(all, func() {
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{p.Manifest.ID, p.Manifest.Title, p.Manifest.Dialect, origin(p), strconv.Itoa(p.Keys), p.Manifest.BaseURL})
			}
			g.list("no providers", "ID TITLE DIALECT FROM KEYS BASE-URL", rows)
		})
	})
}

// origin says where a provider's manifest comes from.
func origin(p admin.Provider) string {
	switch {
	case p.Replaces:
		return "you, in place of the gateway's"
	case p.Own:
		return "you"
	}
	return "the gateway"
}

func (g *gateway) providerShowCommand() *cobra.Command {
	return g.owned("show ID", "Show what a provider opens to apps", exactly("a provider's id, such as llm:openai"), func(ctx context.Context, client *admin.Client, args []string) error {
		p, err := client.Provider(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(p, func() { g.showProvider(p) })
	})
}

func (g *gateway) showProvider(p admin.Provider) {
	private := ""
	if p.Manifest.AllowPrivate {
		private = "private, loopback and link-local addresses"
	}
	g.facts(
		"provider", p.Manifest.ID,
		"title", p.Manifest.Title,
		"from", origin(p),
		"dialect", p.Manifest.Dialect,
		"base URL", p.Manifest.BaseURL,
		"may reach", private,
		"documentation", p.Manifest.Docs,
		"added", clock(p.AddedAt),
		"keys", strconv.Itoa(p.Keys),
	)
	var rows [][]string
	for _, o := range p.Opens {
		rows = append(rows, []string{o.Action, o.Method, o.Path, o.Upstream})
	}
	g.list("", "ACTION METHOD APPS-CALL LEADS-TO", rows)
}

func (g *gateway) providerAddCommand() *cobra.Command {
	cmd := g.owned("add FILE", "Add a provider by its manifest", exactly("the file of a manifest; - is stdin"), func(ctx context.Context, client *admin.Client, args []string) error {
		text, err := g.readInput(args[0], plugins.MaxManifestBytes)
		if err != nil {
			return fmt.Errorf("reading the manifest: %w", err)
		}
		p, err := client.AddProvider(ctx, admin.ProviderInput{
			Manifest: string(text), Replace: g.replace, AllowPrivate: g.allowPrivate, DryRun: g.dryRun,
		})
		if err != nil {
			return err
		}
		return g.show(p, func() {
			if g.dryRun {
				g.showProvider(p)
				g.showGains("may then also", p.Manifest.ID, p.Gains)
				g.say("nothing was added; leave out --dry-run to add it")
				return
			}
			g.showGains("may now also", p.Manifest.ID, p.Gains)
			g.say("added %s (%s): %s. Next: gateway key add %[1]s", p.Manifest.ID, p.Manifest.Title, count(len(p.Opens), "path"))
		})
	})
	cmd.Long = `Add a provider by its manifest: a JSON document that says where it is, which
dialect it speaks, where its key goes and which actions are open. The format is
described in docs/providers.md. With --dry-run nothing is added, and the paths
that it would open are shown, and the apps that could then do more: a permission
that lists no actions allows all that its provider has.`
	cmd.Example = "  gateway provider export llm:groq >mine.json\n  gateway provider add --dry-run mine.json"
	return cmd
}

// showGains names the apps that another manifest lets do more than they could.
func (g *gateway) showGains(may, id string, gains []pairing.Reach) {
	if len(gains) == 0 {
		return
	}
	g.say("by their permissions for %s, these apps %s:", id, may)
	for _, app := range gains {
		g.say("  %s (%s)", app.AppName, strings.Join(app.Actions, ", "))
	}
}

func (g *gateway) providerExportCommand() *cobra.Command {
	return g.owned("export ID", "Print a provider's manifest", exactly("a provider's id, such as llm:openai"), func(ctx context.Context, client *admin.Client, args []string) error {
		text, err := client.Manifest(ctx, args[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(g.out, text)
		return err
	})
}

func (g *gateway) providerRemoveCommand() *cobra.Command {
	return g.owned("remove ID", "Take one of your providers off the list", exactly("a provider's id, such as llm:mine"), func(ctx context.Context, client *admin.Client, args []string) error {
		gone, err := client.RemoveProvider(ctx, args[0])
		if err != nil {
			return err
		}
		return g.show(gone, func() {
			g.showGains("may now also", args[0], gone.Gains)
			g.say("removed %s; what was running through it is cut", args[0])
		})
	})
}
