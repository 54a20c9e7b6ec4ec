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
passphrase unlocks the provider keys and signs in to the console. A recovery
code that does the same if the passphrase is lost is shown once; write it down.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var code string
			running, err := g.withGateway(cmd.Context(), func(ctx context.Context, client *admin.Client) (err error) {
				code, err = g.initialize(ctx, client)
				return err
			})
			if code != "" { // it exists from now on, whatever failed after it
				err = errors.Join(err, g.showSetUp(code, running, err))
			}
			return err
		},
	}
}

// setUpDone is what --json prints. It is the only time that the code is seen.
type setUpDone struct {
	OK           bool   `json:"ok"`
	RecoveryCode string `json:"recovery_code"`
}

func (g *gateway) showSetUp(code string, running bool, failed error) error {
	return g.show(setUpDone{OK: failed == nil, RecoveryCode: code}, func() {
		g.sayRecoveryCode(code)
		if failed == nil {
			g.say("%s", g.afterInit(running))
		}
	})
}

// initialize sets the passphrase and returns the recovery code; "" when none
// was made.
func (g *gateway) initialize(ctx context.Context, client *admin.Client) (code string, err error) {
	status, err := client.Status(ctx)
	if err != nil {
		return "", err
	}
	if status.Initialized {
		return "", &admin.Error{Code: admin.CodeInitialized, Message: "this gateway is already set up; unlock it with: gateway unlock"}
	}
	file, err := newKeyFile(g.writeKeyFile)
	if err != nil {
		return "", err
	}
	defer file.discard()
	passphrase, err := g.readPassphrase(true)
	if err != nil {
		return "", err
	}
	if err := client.Init(ctx, admin.InitInput{Passphrase: passphrase}); err != nil {
		return "", err
	}
	recovery, err := client.AddRecoveryCode(ctx, "")
	if err != nil {
		return "", fmt.Errorf("the passphrase is set, but no recovery code was made: %w", err)
	}
	if file == nil {
		return recovery.Code, nil
	}
	added, err := client.AddKeyFile(ctx, "")
	if err != nil {
		return recovery.Code, fmt.Errorf("the passphrase is set, but no key file was made: %w", err)
	}
	return recovery.Code, file.keep(added.Key)
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
	config.Listen, config.PublicURL, config.BehindProxy, config.UnlockFile, config.BackupDir = "127.0.0.1:0", "", false, "", ""
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
