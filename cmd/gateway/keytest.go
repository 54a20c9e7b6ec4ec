package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

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
	var refused, unsure bool
	for _, name := range names {
		test, err := client.TestKey(ctx, name)
		if err != nil {
			return err
		}
		refused = refused || !test.OK && keyAtFault(test.KeyReport)
		unsure = unsure || !test.OK && !keyAtFault(test.KeyReport)
		tests = append(tests, test)
	}
	err := g.showTests(tests, one)
	if refused {
		err = errors.Join(err, errors.New("a key does not work; replace it with gateway key remove and gateway key add"))
	}
	if unsure {
		err = errors.Join(err, errors.New("a key could not be checked; look at the network and the key's base URL, then run the command again"))
	}
	return err
}

// keyAtFault says that a failed test is about the key. A provider that was not
// reached, is busy or is out of order has not judged it: a good key must not
// be thrown away for that. Without a status, only a key that cannot be put
// into a header is at fault, and the words begin by saying so.
func keyAtFault(r admin.KeyReport) bool {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case 0:
		return strings.HasPrefix(r.Words, "This key cannot be sent")
	}
	return false
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
