package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
)

func (g *gateway) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Set the passphrase of a new gateway",
		Long: `Set the passphrase of a new gateway, with or without one running. The
passphrase unlocks the provider keys and signs in to the console; nobody can
recover it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := g.withGateway(cmd.Context(), g.initialize)
			if err != nil {
				return err
			}
			return g.done("%s", g.afterInit(running))
		},
	}
}

func (g *gateway) initialize(ctx context.Context, client *admin.Client) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if status.Initialized {
		return &admin.Error{Code: admin.CodeInitialized, Message: "this gateway is already set up; unlock it with: gateway unlock"}
	}
	file, err := newKeyFile(g.writeKeyFile)
	if err != nil {
		return err
	}
	defer file.discard()
	passphrase, err := g.readPassphrase(true)
	if err != nil {
		return err
	}
	if err := client.Init(ctx, admin.InitInput{Passphrase: passphrase}); err != nil {
		return err
	}
	if file == nil {
		return nil
	}
	added, err := client.AddKeyFile(ctx, "")
	if err != nil {
		return fmt.Errorf("the passphrase is set, but no key file was made: %w", err)
	}
	return file.keep(added.Key)
}

// afterInit says what to type next.
func (g *gateway) afterInit(running bool) string {
	switch {
	case running:
		return "set up and unlocked; next: gateway key add llm:openai" + g.dataFlag()
	case g.writeKeyFile != "":
		return "set up; next: gateway serve --unlock-file " + g.writeKeyFile + g.dataFlag()
	}
	return "set up; next: gateway serve" + g.dataFlag() + ", then gateway unlock"
}

// withGateway runs fn against the gateway of the data directory and reports
// whether one was running. When none is, it starts one on a free loopback port
// for as long as fn takes, so that there is one way to write the data and the
// store's lock keeps a second process out.
func (g *gateway) withGateway(ctx context.Context, fn func(context.Context, *admin.Client) error) (running bool, err error) {
	client, err := admin.Dial(g.data)
	if err == nil {
		defer client.Close()
		return true, fn(ctx, client)
	}
	if !errors.Is(err, admin.ErrNoServer) {
		return false, err
	}
	config, err := g.serverConfig()
	if err != nil {
		return false, err
	}
	config.Listen, config.PublicURL, config.BehindProxy, config.UnlockFile = "127.0.0.1:0", "", false, ""
	config.Log = slog.New(slog.DiscardHandler)
	srv, err := server.New(config)
	if err != nil {
		return false, err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(serving) }()
	err = g.onceDialed(ctx, fn)
	stop()
	return false, errors.Join(err, <-served)
}

func (g *gateway) onceDialed(ctx context.Context, fn func(context.Context, *admin.Client) error) error {
	client, err := admin.Dial(g.data)
	if err != nil {
		return err
	}
	defer client.Close()
	return fn(ctx, client)
}
