package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

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

// ownerApproves is the owner's browser, and the parameters it comes back with.
func ownerApproves(at string) url.Values {
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.Get(at)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		panic(err)
	}
	return back.Query()
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

// An app with a page of its own sends the owner's browser to the gateway, and completes with what comes back. What was
// granted may be less than was asked.
func ExampleAuthorize() {
	gateway, _, end := exampleGateway()
	defer end()
	gateway.grant = func(json.RawMessage) json.RawMessage { // what the owner decides
		return json.RawMessage(`[{"type":"keywicket","identifier":"llm:openai","models":["gpt-4o-mini"]}]`)
	}
	ctx := context.Background()

	authorization, err := client.Authorize(ctx, gateway.newString(), client.App{
		Name: "Notes",
		Alg:  "Ed25519",
		Ask:  []client.Permission{{Resource: "llm:openai", Models: []string{"gpt-4o-mini"}}, {Resource: "mail:resend"}},
	}, "https://notes.example/paired")
	if err != nil {
		fmt.Println(err)
		return
	}
	// Redirect the browser to authorization.URL. In the handler of https://notes.example/paired: request.URL.Query().
	query := ownerApproves(authorization.URL)
	connection, err := authorization.Complete(ctx, query)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, less := range connection.Reductions() {
		fmt.Println("refused:", less.Resource, less.Refused)
	}
	for _, permission := range connection.Granted() {
		fmt.Println("granted:", permission.Resource, permission.Models)
	}
	// Output:
	// refused: mail:resend true
	// granted: llm:openai [gpt-4o-mini]
}

// An app on the owner's own machine needs no web server: it listens for the browser while it pairs.
func ExamplePairInBrowser() {
	gateway, _, end := exampleGateway()
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	connection, err := client.PairInBrowser(ctx, gateway.newString(), client.App{Name: "Notes"}, func(url string) error {
		go http.Get(url) // or: xdg-open, open, start
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("granted:", connection.Granted()[0].Resource)
	// Output: granted: llm:openai
}

// A proxy signs for tools that only know base URLs and API keys.
func ExampleNewProxy() {
	gateway, _, end := exampleGateway()
	defer end()
	connection, err := client.Pair(context.Background(), gateway.newString(), client.App{Name: "Notes"})
	if err != nil {
		fmt.Println(err)
		return
	}

	proxy, err := client.NewProxy(client.ProxyConfig{Connection: connection})
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go proxy.Serve(ctx, listener)

	tool := openai.NewClient( // which could be any program
		option.WithBaseURL(proxy.BaseURL(listener.Addr().String(), "llm:openai")),
		option.WithAPIKey(proxy.Secret()),
	)
	chat, err := tool.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
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
