package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// demoTime bounds all steps together; they take a few seconds.
const demoTime = time.Minute

func (g *gateway) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show on this machine, with nothing real, what the gateway does",
		Long: `Start a gateway, a stand-in for OpenAI and a sample app on free loopback ports
in a temporary directory, and go through a pairing and its end. Each step checks
what it says and fails otherwise. Afterwards everything stays up, to look around
in the console, until Ctrl-C removes it; with --once it ends by itself.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return g.demo(ctx)
		},
	}
}

// demoStep is one thing the demonstration shows. run does it, checks it, and
// returns what that proved.
type demoStep struct {
	name string
	run  func(context.Context, *stage) (proof string, err error)
}

func demoSteps() []demoStep {
	return []demoStep{
		{"the gateway starts", setUp},
		{"the owner stores a key", storeKey},
		{"the owner makes a pairing string", makeString},
		{"an app redeems it and asks", redeem},
		{"the owner sees who asks for what, and approves less", consent},
		{"the app asks through openai-go", ask},
		{"another model is refused", otherModel},
		{"a stolen token is useless", steal},
		{"a cap holds under a rush", rush},
		{"the owner revokes the app in mid-stream", cut},
		{"the record is whole", readRecord},
	}
}

// demoResult is what --json prints for a step.
type demoResult struct {
	Step  string `json:"step"`
	Proof string `json:"proof"`
}

// demo plays the steps in order and stops at the first that fails.
func (g *gateway) demo(ctx context.Context) error {
	s := newStage(g)
	playing, cancel := context.WithTimeout(ctx, demoTime)
	results, err := g.play(playing, s)
	cancel()
	if err == nil && g.json {
		err = writeJSON(g.out, results)
	}
	if err == nil && !g.once {
		s.tell("")
		s.tell("The console is at %s", s.server.URL())
		s.tell("Sign in with      %s", s.passphrase)
		s.tell("Commands need     --data %s", s.dir)
		s.tell("Ctrl-C ends it and removes everything.")
		<-ctx.Done()
	}
	return errors.Join(err, s.close())
}

func (g *gateway) play(ctx context.Context, s *stage) ([]demoResult, error) {
	var results []demoResult
	for i, step := range demoSteps() {
		s.tell("%2d  %s", i+1, step.name)
		proof, err := step.run(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("the demo failed at step %d, %q: %w; run it again with: gateway demo", i+1, step.name, err)
		}
		s.tell("    = %s", proof)
		results = append(results, demoResult{Step: step.name, Proof: proof})
	}
	return results, nil
}
