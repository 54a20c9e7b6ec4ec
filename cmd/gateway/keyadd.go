package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyAddCommand() *cobra.Command {
	cmd := g.owned("add RESOURCE", "Store a provider key", resourceAlone, func(ctx context.Context, client *admin.Client, args []string) error {
		if err := knownResource(ctx, client, args[0]); err != nil {
			return err
		}
		if err := needSetUp(ctx, client); err != nil {
			return err
		}
		headers, err := g.keyHeaders()
		if err != nil {
			return err
		}
		secret, err := g.readSecret("Key for " + printable(args[0]) + ": ")
		if err != nil {
			return err
		}
		if secret == "" {
			return errors.New("no key was given; pipe it in, as in: gateway key add llm:openai <key.txt")
		}
		key, err := client.AddKey(ctx, admin.KeyInput{
			Resource: args[0], Label: g.label, BaseURL: g.baseURL, Secret: secret,
			Headers: headers, AllowPrivate: g.allowPrivate, Rank: int(g.rank), Weight: int(g.weight),
		})
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

// resourceAlone asks for one argument. Another is most likely the key itself,
// which is not repeated.
func resourceAlone(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("a key is never taken from an argument, where every user of the machine can see it; if that was a real one, replace it at the provider, then run: gateway key add RESOURCE")
	}
	return exactly("a resource such as llm:openai")(cmd, args)
}

// keyHeaders reads --header.
func (g *gateway) keyHeaders() (map[string]string, error) {
	headers := map[string]string{}
	for _, pair := range g.headers {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return nil, usagef("--header wants NAME=VALUE; see: gateway key add --help")
		}
		headers[name] = value
	}
	return headers, nil
}

// knownResource refuses, before anything is asked for, what no provider has.
func knownResource(ctx context.Context, client *admin.Client, id string) error {
	providers, err := client.Providers(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, p := range providers {
		if p.Manifest.ID == id {
			return nil
		}
		known = append(known, p.Manifest.ID)
	}
	return &admin.Error{Code: admin.CodeUnknownResource, Message: fmt.Sprintf("there is no provider %q; this gateway knows: %s", id, strings.Join(known, ", "))}
}
