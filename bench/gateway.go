package main

import (
	"context"
	"net"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
	"github.com/keywicket/keywicket/plugins/all"
)

const (
	// origin is what apps know the gateway by, wherever it listens.
	origin     = "http://127.0.0.1:8787"
	resource   = "llm:openai"
	passphrase = "four words and a comma"
)

// playGateway serves a data directory with apps in it, as the shipped binary
// does, and gives it a key for the upstream.
func playGateway(p part) (*player, error) {
	providers, err := all.Providers()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s, err := server.New(server.Config{
		DataDir: p.Dir, Listen: address, PublicURL: origin, Providers: providers, BuildProvider: all.Provider, Drain: time.Second,
		UnauthenticatedPerMinute: 10_000_000, // the apps renew their tokens all at once, from one address
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	pl := &player{address: address, dir: p.Dir, close: func() error { cancel(); return <-served }}
	if err := addKey(ctx, p); err != nil {
		_ = pl.close()
		return nil, err
	}
	return pl, nil
}

// freeAddress is a port of loopback that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func addKey(ctx context.Context, p part) error {
	owner, err := admin.Dial(p.Dir)
	if err != nil {
		return err
	}
	defer owner.Close()
	if err := owner.Init(ctx, admin.InitInput{Passphrase: passphrase}); err != nil {
		return err
	}
	_, err = owner.AddKey(ctx, admin.KeyInput{
		Resource: resource, Label: "bench", BaseURL: "http://" + p.Upstream + "/v1", Secret: "sk-bench-0123456789abcdef0123456789abcdef", AllowPrivate: true,
	})
	return err
}
