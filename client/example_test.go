package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/client"
)

// exampleGateway stands in for the owner's gateway.
func exampleGateway() (g *gateway, dir string, end func()) {
	dir, err := os.MkdirTemp("", "keywicket-example-*")
	if err != nil {
		panic(err)
	}
	g, err = buildGateway(dir)
	if err != nil {
		panic(err)
	}
	g.upstream = fakeOpenAI
	g.server = httptest.NewServer(g)
	g.issuer = g.server.URL
	return g, filepath.Join(dir, "app"), func() {
		g.server.Close()
		g.close()
		_ = os.RemoveAll(dir)
	}
}

// Pair once, with the string that the owner has made. The connection is kept in a directory of the app's own.
func ExamplePair() {
	gateway, dir, end := exampleGateway()
	defer end()
	pairingString := gateway.newString() // from the owner, by copy and paste

	connection, err := client.Pair(context.Background(), pairingString, client.App{
		Name: "Notes",
		Ask: []client.Permission{{
			Resource: "llm:openai",
			Models:   []string{"gpt-4o-mini"},
			Limits:   []client.Limit{{Per: "day", Requests: 100}},
			Reason:   "to summarise your notes",
		}},
		Keys: client.FileKeyStore(dir),
		OnPending: func(p client.Pending) {
			fmt.Printf("Open %s and compare: code %s, key %s\n", p.VerificationURIComplete, p.UserCode, p.Fingerprint)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, permission := range connection.Granted() {
		fmt.Println("granted:", permission.Resource, permission.Models)
	}
	// Output: granted: llm:openai [gpt-4o-mini]
}

// Open takes the connection up again at the next start, and pairs only when there is none.
func ExampleOpen() {
	gateway, dir, end := exampleGateway()
	defer end()
	ctx, keys := context.Background(), client.FileKeyStore(dir)

	connection, err := client.Open(ctx, keys, client.App{})
	if errors.Is(err, client.ErrNotPaired) {
		fmt.Println("not paired yet")
		connection, err = client.Pair(ctx, gateway.newString(), client.App{Name: "Notes", Keys: keys})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := client.Open(ctx, keys, client.App{})
	fmt.Println(err, again.ClientID() == connection.ClientID())
	// Output:
	// not paired yet
	// <nil> true
}

// The official SDK needs an HTTP client and a base URL, and no key.
func ExampleConnection_HTTPClient() {
	gateway, _, end := exampleGateway()
	defer end()
	ctx := context.Background()
	connection, err := client.Pair(ctx, gateway.newString(), client.App{Name: "Notes"})
	if err != nil {
		fmt.Println(err)
		return
	}

	ai := openai.NewClient(
		option.WithHTTPClient(connection.HTTPClient()),
		option.WithBaseURL(connection.BaseURL("llm:openai")),
	)
	chat, err := ai.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
		Model:    "gpt-4o-mini",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(chat.Choices[0].Message.Content)
	// Output: Good day
}

// A transport of one's own makes room for other layers, and refuses to sign for anybody else.
func ExampleTransport() {
	gateway, _, end := exampleGateway()
	defer end()
	connection, err := client.Pair(context.Background(), gateway.newString(), client.App{Name: "Notes"})
	if err != nil {
		fmt.Println(err)
		return
	}

	web := &http.Client{Transport: &client.Transport{Connection: connection, Base: http.DefaultTransport}}
	_, err = web.Get("https://api.openai.com/v1/models")
	fmt.Println(errors.Is(err, client.ErrForeignOrigin))
	// Output: true
}

// Errors match with errors.Is, whatever the shape of the answer.
func ExampleResponseError() {
	gateway, _, end := exampleGateway()
	defer end()
	connection, err := client.Pair(context.Background(), gateway.newString(), client.App{Name: "Notes"})
	if err != nil {
		fmt.Println(err)
		return
	}

	response, err := connection.HTTPClient().Post(connection.BaseURL("llm:openai")+"/chat/completions", "application/json",
		strings.NewReader(`{"model":"gpt-4o","messages":[]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	switch err := client.ResponseError(response); {
	case errors.Is(err, client.ErrModelNotAllowed):
		fmt.Println("choose another model")
	case errors.Is(err, client.ErrVaultLocked):
		fmt.Println("ask the owner to unlock the gateway")
	}
	// Output: choose another model
}
