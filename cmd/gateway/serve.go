package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/server"
	"github.com/keywicket/keywicket/plugins/all"
)

func (g *gateway) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway (also: no command at all)",
		Long: `Run the gateway until it is told to stop.

The first start prints a one-time link for setting it up in a browser; gateway
init does the same in the terminal. Ctrl-C or SIGTERM stops it in order:
running streams get the time of --drain to end; a second signal ends at once.

Off loopback the public URL must be https. The gateway does not hold
certificates: put a proxy that ends TLS in front of it, say so with
--behind-proxy, and name the public address with --public-url.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.serve(cmd.Context()) },
	}
}

// serve runs the gateway until ctx is done or a signal asks it to stop.
func (g *gateway) serve(ctx context.Context) error {
	config, err := g.serverConfig()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv, err := server.New(config)
	if err != nil {
		return err
	}
	if err := g.greet(srv); err != nil {
		return errors.Join(err, srv.Close())
	}
	defer context.AfterFunc(ctx, func() {
		stop() // from here on a signal has its usual effect and ends the process
		fmt.Fprintf(g.errs, "stopping; running streams get %s to end, a second signal ends at once\n", formatDuration(g.drain))
	})()
	return srv.Serve(ctx)
}

// greet says where the gateway is and what it needs before apps can work: to
// be set up, or to be unlocked. With an unlock file it has been unlocked by
// now, or it would not have started.
func (g *gateway) greet(srv *server.Server) error {
	return g.show(struct {
		PublicURL string `json:"public_url"`
		SetupURL  string `json:"setup_url,omitempty"`
		Metrics   string `json:"metrics_address,omitempty"`
	}{srv.URL(), srv.SetupURL(), srv.MetricsAddr()}, func() {
		g.say("Keywicket is at %s", srv.URL())
		if address := srv.MetricsAddr(); address != "" {
			g.say("Metrics are at http://%s/metrics", address)
		}
		if link := srv.SetupURL(); link != "" {
			g.say("Set it up here, once: %s", link)
			g.say("or in a terminal:      gateway init%s", g.dataFlag())
		} else if g.unlockFile == "" {
			g.say("locked: apps are refused until: gateway unlock%s", g.dataFlag())
		}
	})
}

// dataFlag is the --data a further command needs to reach this gateway.
func (g *gateway) dataFlag() string {
	if g.data == defaultData(g.env) {
		return ""
	}
	return " --data " + g.data
}

func (g *gateway) serverConfig() (server.Config, error) {
	zone, err := g.zone()
	if err != nil {
		return server.Config{}, err
	}
	providers, err := all.Providers()
	if err != nil {
		return server.Config{}, fmt.Errorf("loading providers: %w", err)
	}
	proxies, err := networks(g.trustedProxies)
	if err != nil {
		return server.Config{}, err
	}
	return server.Config{
		DataDir:        g.data,
		Listen:         g.listen,
		PublicURL:      strings.TrimSuffix(g.publicURL, "/"),
		BehindProxy:    g.behindProxy,
		TrustedProxies: proxies,
		Providers:      providers,
		BuildProvider:  all.Provider,
		Zone:           zone,
		UnlockFile:     g.unlockFile,

		MetricsListen:    g.metricsListen,
		MetricsTokenFile: g.metricsTokenFile,

		DPoPNonce:  g.dpopNonce,
		EpochFile:  g.epochFile,
		BackupDir:  g.backupDir,
		BackupKeep: int(g.backupKeep),
		Drain:      g.drain,
		DrainTime:  g.drainTime,
		DrainBytes: g.drainBytes,
		Log:        slog.New(slog.NewTextHandler(g.errs, &slog.HandlerOptions{Level: g.logLevel})),
		Version:    version(),
	}, nil
}

// zone is the one that --time-zone names, or the machine's.
func (g *gateway) zone() (*time.Location, error) {
	if g.timeZone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(g.timeZone)
	if err != nil {
		return nil, usagef("there is no time zone %q; give a name such as --time-zone Europe/Berlin", g.timeZone)
	}
	return zone, nil
}

func networks(list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range list {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usagef("%q is not a network; give --trusted-proxy one such as 172.17.0.0/16", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// version is the module version this binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
