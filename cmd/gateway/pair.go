package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
)

func (g *gateway) pairCommand() *cobra.Command {
	cmd := g.owned("pair", "Make a one-time string that lets an app in", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		documents, err := g.preset(ctx, client)
		if err != nil {
			return err
		}
		term, err := g.term()
		if err != nil {
			return err
		}
		made, err := client.Pair(ctx, admin.PairInput{
			TTLSeconds: seconds(g.ttl), Documents: documents, Term: term, Approve: g.approve,
		})
		if err != nil {
			return err
		}
		return g.show(made, func() { g.showString(made) })
	})
	cmd.Long = `Make a one-time pairing string for an app. With --policy, or --resource and the
flags that narrow it, the string carries a preset: what you mean to grant. With
--approve the app has it on redemption; without, you are asked once more.`
	cmd.Example = `  gateway pair
  gateway pair --resource llm:openai --models 'gpt-4o*' --requests-per-day 100 --expires 24h --approve
  gateway pair --policy policy.json`
	return cmd
}

// preset is the text of the policy given as a file or by flags; empty when
// there is none.
func (g *gateway) preset(ctx context.Context, client *admin.Client) (string, error) {
	document, narrowed, err := g.document()
	if err != nil {
		return "", err
	}
	switch {
	case g.policyFile != "" && (narrowed || len(g.resources) > 0):
		return "", usagef("--policy says it all; give either the file, or --resource and the flags that narrow it")
	case g.policyFile != "":
		return g.readPolicy()
	case len(g.resources) > 0:
		return documentText(document, g.resources, func(id string) error { return knownResource(ctx, client, id) })
	case narrowed || g.expires > 0 || g.forever:
		return "", usagef("these flags narrow a resource; say which, as in: gateway pair --resource llm:openai")
	}
	return "", nil
}

// documentText is an array of the document for each of the resources.
func documentText(document policy.Document, resources []string, known func(string) error) (string, error) {
	var documents []policy.Document
	for i, resource := range resources {
		if slices.Contains(resources[:i], resource) {
			return "", usagef("--resource: %s is named twice; name it once", resource)
		}
		if err := known(resource); err != nil {
			return "", fmt.Errorf("--resource: %w", err)
		}
		document.Resource = resource
		if err := document.Validate(); err != nil {
			return "", flagAtFault(err)
		}
		documents = append(documents, document)
	}
	data, err := json.Marshal(documents)
	if err != nil {
		return "", fmt.Errorf("encoding the policy: %w", err)
	}
	return string(data), nil
}

// flagAtFault names the flag that a refused member of a document came from:
// whoever typed flags has no document to correct.
func flagAtFault(err error) error {
	refused, ok := errors.AsType[*policy.DocumentError](err)
	if !ok {
		return err
	}
	member, _, _ := strings.Cut(refused.Path, "[")
	switch member {
	case "limits":
		member = refused.Path[strings.LastIndex(refused.Path, ".")+1:] // the unit
	case "hours.days":
		member = "days"
	case "hours.from", "hours.to":
		member = "hours"
	}
	return usagef("--%s: %s; see: gateway pair --help", strings.ReplaceAll(member, "_", "-"), refused.Problem)
}

// readPolicy reads the file of --policy.
func (g *gateway) readPolicy() (string, error) {
	data, err := g.readInput(g.policyFile, maxDocument)
	if err == nil && len(bytes.TrimSpace(data)) == 0 {
		return "", fmt.Errorf("%s is empty; put a policy document in it, such as {\"resource\": \"llm:openai\"}", g.policyFile)
	}
	return string(data), err
}

func (g *gateway) term() (admin.Term, error) {
	if g.expires > 0 && g.forever {
		return admin.Term{}, usagef("--expires and --forever contradict each other; give one of them")
	}
	return admin.Term{Seconds: seconds(g.expires), Forever: g.forever}, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (g *gateway) showString(made admin.PairOutput) {
	if g.onTerminal() {
		drawQR(g.out, made.PairingString)
	}
	fmt.Fprintln(g.out, made.PairingString)
	if !g.onTerminal() {
		return // a pipe gets the string and nothing else
	}
	g.say("")
	g.say("Give it to the app. It works once, until %s.", clock(made.ExpiresAt))
	if len(made.Preset) > 0 {
		g.showTerms(made.Preset)
	}
	if made.DefaultedEnd {
		g.say("No end was given, so it ends after 30 days; --expires or --forever choose otherwise.")
	}
}

// showTerms prints what documents mean.
func (g *gateway) showTerms(terms []admin.Terms) {
	for _, t := range terms {
		g.say("  %s", t.Document.Resource)
		for _, line := range t.Words {
			g.say("    %s", line)
		}
	}
}
