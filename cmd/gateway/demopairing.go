package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
)

const (
	demoResource = "llm:openai"
	demoApp      = "Demo notes"
	cappedModel  = "gpt-4o-mini"
	streamModel  = "gpt-4.1"
	otherName    = "gpt-4o"
	demoCap      = 4 // requests to cappedModel that the owner grants
	demoAnswer   = "Keep your keys at home, and let the apps come and ask."
)

// setUp proves that the owner's commands go through a socket only this user
// can open.
func setUp(ctx context.Context, s *stage) (string, error) {
	s.passphrase, s.providerKey = rand.Text(), "sk-demo-"+rand.Text()
	if err := s.open(); err != nil {
		return "", err
	}
	if err := s.owner.Init(ctx, admin.InitInput{Passphrase: s.passphrase}); err != nil {
		return "", err
	}
	status, err := s.owner.Status(ctx)
	if err != nil {
		return "", err
	}
	if !status.Initialized || status.Locked || status.Frozen {
		return "", errors.New("the gateway is not ready after it was set up")
	}
	socket, err := os.Stat(filepath.Join(s.dir, "keywicket.sock"))
	if err != nil {
		return "", err
	}
	if socket.Mode().Perm() != 0o600 {
		return "", fmt.Errorf("the owner's socket has mode %v", socket.Mode().Perm())
	}
	return fmt.Sprintf("at %s, set up and unlocked; its owner's socket is open to this user alone", s.server.URL()), nil
}

// storeKey proves that the key works and lies nowhere in clear.
func storeKey(ctx context.Context, s *stage) (string, error) {
	key, err := s.owner.AddKey(ctx, admin.KeyInput{
		Resource: demoResource, Label: "demo", BaseURL: s.provider.BaseURL(), AllowPrivate: true, Secret: s.providerKey,
	})
	if err != nil {
		return "", err
	}
	test, err := s.owner.TestKey(ctx, key.ID)
	if err != nil {
		return "", err
	}
	if !test.OK || s.provider.Count() == 0 {
		return "", fmt.Errorf("testing the key: %s", test.Words)
	}
	files, err := s.search()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the provider takes it, and none of the gateway's %d files holds it in clear", files), nil
}

func makeString(ctx context.Context, s *stage) (string, error) {
	made, err := s.owner.Pair(ctx, admin.PairInput{})
	if err != nil {
		return "", err
	}
	s.pairingString = made.PairingString
	minutes := time.Until(made.ExpiresAt).Round(time.Minute) / time.Minute
	return fmt.Sprintf("one string to paste, good for one app within %d minutes", minutes), nil
}

// redeem proves that a string works once. The app is then left alone with its
// question, as if it had been closed while its owner was away.
func redeem(ctx context.Context, s *stage) (string, error) {
	s.tap = &tap{next: http.DefaultTransport}
	waiting, leave := context.WithCancel(ctx)
	defer leave()
	_, err := client.Pair(waiting, s.pairingString, client.App{
		Name: demoApp,
		Ask: []client.Permission{{
			Resource: demoResource, Models: []string{"gpt-*"}, Reason: "to summarise your notes",
		}},
		Keys:       s.appKeys,
		HTTPClient: &http.Client{Transport: s.tap},
		OnPending: func(p client.Pending) {
			s.pending = p
			leave()
		},
	})
	if s.pending.UserCode == "" {
		return "", fmt.Errorf("the app could not ask: %w", err)
	}
	if _, err := client.Pair(ctx, s.pairingString, client.App{Name: "Second app"}); !errors.Is(err, client.ErrStringSpent) {
		return "", fmt.Errorf("a second app redeemed the string too (%v)", err)
	}
	return "a second app that tried the same string was turned away", nil
}

// consent proves that the owner can tell which app asks and that the app gets
// what the owner says, not what it asked for.
func consent(ctx context.Context, s *stage) (string, error) {
	requests, err := s.owner.Requests(ctx)
	if err != nil {
		return "", err
	}
	if len(requests) != 1 || requests[0].UserCode != s.pending.UserCode || requests[0].Fingerprint != s.pending.Fingerprint {
		return "", errors.New("the owner does not see the code and fingerprint that the app shows")
	}
	request := requests[0]
	s.tell("    | %s (%s) asks %s:", request.AppName, request.UserCode, request.Reason)
	s.tellTerms(request.Proposal)
	documents, err := json.Marshal(policy.Document{
		Resource: demoResource, Actions: []string{"chat.completions"}, Models: []string{cappedModel, streamModel},
		Limits: []policy.Limit{{Per: policy.Lifetime, Model: cappedModel, Requests: demoCap}},
	})
	if err != nil {
		return "", err
	}
	granted, err := s.owner.Approve(ctx, request.ID, admin.ApproveInput{
		Documents: string(documents), Term: admin.Term{Seconds: int64(time.Hour / time.Second)},
	})
	if err != nil {
		return "", err
	}
	s.tell("    | and is granted:")
	s.tellTerms(granted.Granted)
	// The app comes back and finds its answer.
	s.app, err = client.Open(ctx, s.appKeys, client.App{HTTPClient: &http.Client{Transport: s.tap}})
	if err != nil {
		return "", err
	}
	s.appID = request.AppID
	if got := s.app.Granted(); len(got) != 1 || len(got[0].Models) != 2 || got[0].ExpiresAt.IsZero() {
		return "", fmt.Errorf("the app was not granted what the owner approved")
	}
	return fmt.Sprintf("code %s is on both screens, and the app has exactly what the owner chose", request.UserCode), nil
}

func (s *stage) tellTerms(terms []admin.Terms) {
	for _, t := range terms {
		for _, line := range t.Words {
			s.tell("    |   %s", line)
		}
	}
}
