// Command gateway is Keywicket: a server that keeps an owner's provider keys
// and lets paired apps use them under the owner's policy, and the owner's
// commands for it.
//
// Secrets are read from stdin, from a file or from a hidden prompt, never from
// an argument. Each error is one line that says what to type next. The exit
// code is 0 for success, 1 when the command could not be done and 2 when the
// command line was wrong.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	_ "time/tzdata" // --time-zone works on machines that carry no zone files

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/server"
)

func main() {
	// Any command may hold a passphrase or key. Where this cannot be done,
	// doctor says so.
	_ = server.NoCoreDumps()
	// net/http writes there what a provider sends behind its answer, which may be
	// a part of the key. What the gateway has to say goes through slog.
	log.SetOutput(io.Discard)
	g := &gateway{in: os.Stdin, out: os.Stdout, errs: os.Stderr, env: os.Getenv, settings: defaults(os.Getenv)}
	os.Exit(g.run(context.Background(), os.Args[1:]))
}

// gateway is one run of the command: its streams, its environment and its
// settings. The commands are its methods.
type gateway struct {
	settings
	in        io.Reader
	out, errs io.Writer
	env       func(string) string
}

// run executes one command line and returns the exit code. The error, if any,
// is printed as one line on errs.
func (g *gateway) run(ctx context.Context, args []string) int {
	root := g.commands()
	root.SetArgs(args)
	root.SetIn(g.in)
	root.SetOut(g.out)
	root.SetErr(g.errs)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(g.errs, "gateway: "+oneLine(err))
	}
	return exitCode(err)
}

// commands builds the command tree. The root command without a subcommand is
// serve.
func (g *gateway) commands() *cobra.Command {
	serve := g.serveCommand()
	root := &cobra.Command{
		Use:           "gateway",
		Short:         "Keep provider keys; let apps use them under your rules",
		Long:          "Keywicket keeps your provider keys and lets paired apps use them under your rules.\nWithout a command it serves.",
		Version:       version(),
		Args:          subcommand,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return g.prepare(cmd)
		},
	}
	root.AddCommand(serve, g.initCommand(), g.unlockCommand(), g.lockCommand(), g.freezeCommand(), g.thawCommand(), g.signOutCommand(),
		g.statusCommand(), g.keyCommand(), g.providerCommand(), g.aliasCommand(), g.slotCommand(), g.pairCommand(), g.requestsCommand(), g.approveCommand(),
		g.denyCommand(), g.appCommand(), g.usageCommand(), g.alertsCommand(), g.pricesCommand(), g.policyCommand(), g.sessionCommand(), g.auditCommand(), g.backupCommand(), g.restoreCommand(),
		g.acceptRestoreCommand(), g.vaultCommand(), g.hostKeyCommand(), g.exportCommand(), g.doctorCommand(),
		g.demoCommand(), g.optionsCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see: %s --help", err, cmd.CommandPath())
	})
	g.bind(root, "")
	for _, row := range g.flags("serve") {
		if row.on != nil {
			row.addTo(root)
		}
	}
	return root
}

// prepare completes the settings before a command runs.
func (g *gateway) prepare(cmd *cobra.Command) error {
	if err := g.readEnvironment(cmd, commandName(cmd), g.env); err != nil {
		return err
	}
	if g.data == "" {
		return usagef("no data directory: neither HOME nor XDG_DATA_HOME is set; give --data DIR")
	}
	return nil
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: subcommand, RunE: func(cmd *cobra.Command, _ []string) error {
		return cmd.Help()
	}}
	cmd.AddCommand(subs...)
	return cmd
}

// commandName is the path of cmd below the program's name; the program alone
// is serve.
func commandName(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	if name == "" {
		return "serve"
	}
	return name
}
