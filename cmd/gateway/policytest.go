package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
)

func (g *gateway) policyCommand() *cobra.Command {
	return group("policy", "Try policy documents out", g.policyTestCommand())
}

func (g *gateway) policyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test", Short: "Would this request pass, and if not, which rule stops it?", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.testPolicy(cmd.Context()) },
	}
	cmd.Long = `Hold a described request against a policy document, and show every check in
order: pass, fail or not reached, and why. The exit code is 1 when the request
would be refused.

With --app it is held against what the app has used up so far, and without
--policy against the app's own documents. Otherwise nothing counts as used.

The request is described in JSON. Only "action" is needed; the resource defaults
to the document's and the time to now:

  {"resource": "llm:openai", "action": "chat.completions", "model": "gpt-4o",
   "input_tokens": 1200, "output_tokens": 500, "choices": 1, "stream": true,
   "tools": false, "body_bytes": 9000, "address": "203.0.113.7",
   "origin": "https://app.example", "time": "2026-11-21T10:00:00Z"}

Where no gateway runs, the zone of hours is this machine's or that of
--time-zone, and prices are those that the gateway carries.`
	cmd.Example = "  gateway policy test --policy notes.json --request request.json\n  echo '{\"action\": \"chat.completions\", \"model\": \"gpt-4o\"}' | gateway policy test --app Notes --request -"
	return cmd
}

func (g *gateway) testPolicy(ctx context.Context) error {
	switch {
	case g.requestFile == "":
		return usagef("say which request with --request FILE; see: gateway policy test --help")
	case g.policyFile == "" && g.app == "":
		return usagef("say which policy with --policy FILE, or whose with --app NAME; see: gateway policy test --help")
	case g.policyFile == "-" && g.requestFile == "-":
		return usagef("only one of --policy and --request can be stdin; put the other in a file")
	}
	request, err := g.readInput(g.requestFile, maxDocument)
	if err != nil {
		return err
	}
	in := admin.PolicyTestInput{Request: string(request), App: g.app}
	if g.policyFile != "" {
		if in.Policy, err = g.readPolicy(); err != nil {
			return err
		}
	}
	out, err := g.runPolicyTest(ctx, in)
	if err != nil {
		return err
	}
	if err := g.show(out, func() { g.showPolicyTest(out) }); err != nil {
		return err
	}
	if failed, denied := out.Denied(); denied {
		return fmt.Errorf("refused by %s: %s", failed.Rule, failed.Code)
	}
	return nil
}

// runPolicyTest asks the gateway, or decides here when none runs and none is
// needed.
func (g *gateway) runPolicyTest(ctx context.Context, in admin.PolicyTestInput) (out admin.PolicyTest, err error) {
	err = g.onceDialed(ctx, func(ctx context.Context, client *admin.Client) error {
		out, err = client.TestPolicy(ctx, in)
		return err
	})
	if in.App != "" || !errors.Is(err, admin.ErrNoServer) {
		return out, err
	}
	zone, err := g.zone()
	if err != nil {
		return out, err
	}
	rates, err := price.Carried()
	if err != nil {
		return out, err
	}
	now := time.Now()
	documents, err := policy.ParseAll([]byte(in.Policy), now)
	if err != nil {
		return out, fmt.Errorf("policy: %w", err)
	}
	return admin.Tester{Zone: zone, Prices: rates, Now: now}.Test(documents, []byte(in.Request), nil)
}

func (g *gateway) showPolicyTest(t admin.PolicyTest) {
	var rows [][]string
	for _, c := range t.Checks {
		result := map[policy.Result]string{policy.Pass: "pass", policy.Fail: "FAIL", policy.NotReached: "not reached"}[c.Result]
		rows = append(rows, []string{c.Rule, result, strings.TrimSpace(c.Reason)})
	}
	g.list("", "CHECK RESULT WHY", rows)
	if t.Allowed {
		g.say("it would pass")
		return
	}
	failed, _ := t.Denied()
	g.say("it would be refused with %s", failed.Code)
}
