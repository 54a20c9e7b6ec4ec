package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) aliasCommand() *cobra.Command {
	return group("alias", "Names of your own for models",
		g.aliasListCommand(), g.aliasSetCommand(), g.aliasRemoveCommand())
}

func (g *gateway) aliasListCommand() *cobra.Command {
	return g.owned("list", "List the names", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		all, err := client.Aliases(ctx)
		if err != nil {
			return err
		}
		return g.show(all, func() {
			var rows [][]string
			for _, a := range all {
				rows = append(rows, []string{a.Name, strings.Join(a.Targets, ", then ")})
			}
			g.list("no names; give one with: gateway alias set fast groq/llama-3.3-70b-versatile", "NAME STANDS-FOR", rows)
		})
	})
}

func (g *gateway) aliasSetCommand() *cobra.Command {
	cmd := g.owned("set NAME MODEL...", "Give a model a name, and others to fall back to", aliasArguments, func(ctx context.Context, client *admin.Client, args []string) error {
		a, err := client.SetAlias(ctx, admin.AliasInput{Name: args[0], Targets: args[1:]})
		if err != nil {
			return err
		}
		return g.show(a, func() { g.say("%s stands for %s", a.Name, strings.Join(a.Targets, ", then ")) })
	})
	cmd.Long = `Give a model a name. Apps that write the name as the model at /v1/... get the
first of the models that their permission allows; when its provider fails before
it has answered, the next one is tried.`
	cmd.Example = "  gateway alias set fast groq/llama-3.3-70b-versatile openai/gpt-4o-mini"
	return cmd
}

func aliasArguments(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return usagef("give a name and one or more models as provider/model; see: %s --help", cmd.CommandPath())
	}
	return nil
}

func (g *gateway) aliasRemoveCommand() *cobra.Command {
	return g.owned("remove NAME", "Forget a name", exactly("a name from: gateway alias list"), func(ctx context.Context, client *admin.Client, args []string) error {
		if err := client.RemoveAlias(ctx, args[0]); err != nil {
			return err
		}
		return g.done("removed %s", args[0])
	})
}
