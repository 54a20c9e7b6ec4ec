package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyAddCommand() *cobra.Command {
	cmd := g.owned("add RESOURCE", "Store a provider key", exactly("a resource such as llm:openai"), func(ctx context.Context, client *admin.Client, args []string) error {
		secret, err := g.readSecret("Key for " + printable(args[0]) + ": ")
		if err != nil {
			return err
		}
		if secret == "" {
			return errors.New("no key was given; pipe it in, as in: gateway key add llm:openai <key.txt")
		}
		key, err := client.AddKey(ctx, admin.KeyInput{Resource: args[0], Label: g.label, BaseURL: g.baseURL, Secret: secret})
		if err != nil {
			return err
		}
		return g.show(key, func() { g.say("added %s (%s, %s). Next: gateway key test %[1]s", key.ID, key.Resource, key.Label) })
	})
	cmd.Long = `Store a provider key. The key is read from a hidden prompt, or from stdin when
that is not a terminal; it is never an argument, because every user of the
machine can see those.`
	cmd.Example = "  gateway key add llm:openai --label work\n  gateway key add llm:openai <key.txt"
	return cmd
}
