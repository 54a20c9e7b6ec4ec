package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
)

func (g *gateway) keyTestCommand() *cobra.Command {
	cmd := g.owned("test [KEY]", "Ask the provider whether a key works", atMostOne("a key: its id, label or resource"), g.testKeys)
	cmd.Long = "Make one cheap call to the provider with a key, or with each stored key, and say what\ncame back."
	return cmd
}

// testKeys tests the key that is named, or all of them. All are tested even
// when one does not work.
func (g *gateway) testKeys(ctx context.Context, client *admin.Client, names []string) error {
	one := len(names) == 1
	if !one {
		keys, err := client.Keys(ctx)
		if err != nil {
			return err
		}
		for _, key := range keys {
			names = append(names, key.ID)
		}
	}
	if len(names) == 0 {
		return errors.New("there is no key to test; add one with: gateway key add llm:openai")
	}
	var tests []admin.KeyTest
	var failed error
	for _, name := range names {
		test, err := client.TestKey(ctx, name)
		if err != nil {
			return err
		}
		if !test.OK {
			failed = errors.New("a key does not work; replace it with gateway key remove and gateway key add")
		}
		tests = append(tests, test)
	}
	return errors.Join(g.showTests(tests, one), failed)
}

func (g *gateway) showTests(tests []admin.KeyTest, one bool) error {
	var shown any = tests
	if one {
		shown = tests[0]
	}
	return g.show(shown, func() {
		for _, test := range tests {
			g.say("%s (%s): %s", test.Key.ID, test.Key.Label, test.Words)
		}
	})
}
