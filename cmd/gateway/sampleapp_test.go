package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/client"
)

// sampleApp is an app as scripts play it: the client package and OpenAI's SDK.
type sampleApp struct {
	name       string
	keys       client.KeyStore
	connection *client.Connection
	ended      chan string // how the running stream ended
}

func newSampleApp(name string) *sampleApp {
	return &sampleApp{name: name, keys: client.MemoryKeyStore()}
}

// pair redeems a string and asks. When the owner has to be waited for, it
// returns at once; do "wait" goes on.
func (a *sampleApp) pair(ctx context.Context, pairingString string) error {
	waiting, leave := context.WithCancel(ctx)
	defer leave()
	asked := false
	connection, err := client.Pair(waiting, strings.TrimSpace(pairingString), client.App{
		Name: a.name, Keys: a.keys,
		Ask: []client.Permission{{Resource: demoResource, Reason: "to try things out"}},
		OnPending: func(client.Pending) {
			asked = true
			leave()
		},
	})
	if asked {
		return nil
	}
	a.connection = connection
	return err
}

// do plays one act and returns how it went.
func (a *sampleApp) do(ctx context.Context, act string, args []string) (string, error) {
	switch {
	case act == "wait" && len(args) == 1:
		connection, err := client.Open(ctx, a.keys, client.App{})
		a.connection = connection
		if errors.Is(err, client.ErrAccessDenied) {
			return "denied", nil
		}
		return "ok", err
	case act == "ask" && len(args) == 2:
		return a.ask(ctx, args[0])
	case act == "until" && len(args) == 2:
		err := eventually(ctx, func() (bool, error) {
			got, err := a.ask(ctx, args[0])
			return got == args[1], err
		})
		return args[1], err
	case act == "stream" && len(args) == 1:
		return "", a.stream(args[0])
	case act == "streamed" && len(args) == 1:
		select {
		case how := <-a.ended:
			return how, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", fmt.Errorf("an app cannot %s %v", act, args)
}

func (a *sampleApp) sdk() openai.Client {
	return openai.NewClient(option.WithHTTPClient(a.connection.HTTPClient()), option.WithBaseURL(a.connection.BaseURL(demoResource)), option.WithMaxRetries(0))
}

// ask returns ok, or the code of the refusal.
func (a *sampleApp) ask(ctx context.Context, model string) (string, error) {
	sdk := a.sdk()
	_, err := sdk.Chat.Completions.New(ctx, question(model))
	if refusal, ok := errors.AsType[*openai.Error](err); ok {
		return refusal.Code, nil
	}
	if errors.Is(err, client.ErrSessionEnded) {
		return "session_ended", nil
	}
	return "ok", err
}

// stream starts a stream and returns after its first word; ended then tells
// whether it was whole or cut.
func (a *sampleApp) stream(model string) error {
	sdk := a.sdk()
	stream := sdk.Chat.Completions.NewStreaming(context.Background(), question(model))
	if !stream.Next() {
		return fmt.Errorf("no word came: %w", stream.Err())
	}
	a.ended = make(chan string, 1)
	go func() {
		defer stream.Close()
		for stream.Next() {
			continue
		}
		a.ended <- howEnded(stream.Err())
	}()
	return nil
}

func howEnded(err error) string {
	switch {
	case err == nil:
		return "whole"
	case strings.Contains(err.Error(), "error while streaming"):
		return "cut" // with a last event that says why
	}
	return "broken: " + err.Error()
}
