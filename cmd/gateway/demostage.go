package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
	"github.com/keywicket/keywicket/plugins/all"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// stage holds everything the demonstration plays with. What is not yet there
// is nil.
type stage struct {
	words io.Writer // what the audience sees

	dir         string
	provider    *openaifake.Server
	providerKey string
	server      *server.Server
	stop        context.CancelFunc
	served      chan error

	passphrase string
	owner      *admin.Client

	pairingString string
	tap           *tap // sees what the app sends
	appKeys       client.KeyStore
	pending       client.Pending
	app           *client.Connection
	appID         string
}

func newStage(g *gateway) *stage {
	s := &stage{words: g.out, appKeys: client.MemoryKeyStore()}
	if g.json {
		s.words = io.Discard
	}
	return s
}

// tell prints one line for the audience.
func (s *stage) tell(format string, args ...any) {
	fmt.Fprintln(s.words, printable(fmt.Sprintf(format, args...)))
}

// open starts the stand-in provider and the gateway, both on free loopback
// ports.
func (s *stage) open() (err error) {
	if s.dir, err = os.MkdirTemp("", "keywicket-demo-"); err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	s.provider, err = openaifake.Start(openaifake.Config{
		Key: s.providerKey, Models: []string{cappedModel, streamModel, otherName}, Answer: demoAnswer, WordDelay: 40 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	providers, err := all.Providers()
	if err != nil {
		return fmt.Errorf("loading providers: %w", err)
	}
	s.server, err = server.New(server.Config{
		DataDir: s.dir, Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider, Drain: time.Second, Version: version(),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.served = cancel, make(chan error, 1)
	go func() { s.served <- s.server.Serve(ctx) }()
	s.owner, err = admin.Dial(s.dir)
	return err
}

// close stops everything and removes the temporary directory.
func (s *stage) close() error {
	var errs []error
	if s.owner != nil {
		s.owner.Close()
	}
	if s.stop != nil {
		s.stop()
		errs = append(errs, <-s.served)
	}
	if s.provider != nil {
		errs = append(errs, s.provider.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// search counts the files of the data directory and fails when one of them
// contains the provider's key.
func (s *stage) search() (files int, err error) {
	err = filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if bytes.Contains(data, []byte(s.providerKey)) {
			return fmt.Errorf("the provider's key is in %s in clear", filepath.Base(path))
		}
		return nil
	})
	return files, err
}

// eventually asks until holds answers true, for things that are written down
// just after the app has its answer.
func eventually(ctx context.Context, holds func() (bool, error)) error {
	for {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
