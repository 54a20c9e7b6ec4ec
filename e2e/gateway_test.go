// Package e2e_test drives whole gateways from outside: over their sockets, with
// the client package, openai-go, and unmodified JavaScript libraries.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
	"github.com/keywicket/keywicket/plugins/all"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

const (
	// canaryKey is the provider key of every test here; it must never be seen
	// anywhere but in the fake provider's Authorization header.
	canaryKey  = "sk-canary-7f3a9c51e2b84d06"
	passphrase = "four words and a comma"
)

// gateway is one gateway in this process with a fake OpenAI behind it.
type gateway struct {
	URL   string
	Dir   string
	Fake  *openaifake.Server
	Admin *admin.Client
	Logs  *logBuffer

	stop func()
}

type setting func(*server.Config)

// start runs a gateway that is set up, unlocked and has one provider key.
func start(t *testing.T, settings ...setting) *gateway {
	t.Helper()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	g := run(t, t.TempDir(), fake, settings...)
	ctx := t.Context()
	if err := g.Admin.Init(ctx, admin.InitInput{Passphrase: passphrase}); err != nil {
		t.Fatal(err)
	}
	_, err = g.Admin.AddKey(ctx, admin.KeyInput{Resource: "llm:openai", Label: "work", BaseURL: fake.BaseURL(), Secret: canaryKey, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// run starts a gateway on a data directory as it is.
func run(t *testing.T, dir string, fake *openaifake.Server, settings ...setting) *gateway {
	t.Helper()
	providers, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	logs := &logBuffer{}
	cfg := server.Config{
		DataDir: dir, Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider, Drain: time.Second, Zone: middayZone(),
		Log: slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		// The throttle is for strangers; these tests come in thousands.
		UnauthenticatedPerMinute: 100_000,
	}
	for _, set := range settings {
		set(&cfg)
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	g := &gateway{URL: s.URL(), Dir: dir, Fake: fake, Logs: logs}
	g.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(g.stop)
	if g.Admin, err = admin.Dial(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Admin.Close)
	return g
}

// logBuffer collects a gateway's log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// pairingString makes a string that grants document on redemption.
func (g *gateway) pairingString(t testing.TB, document string) string {
	t.Helper()
	out, err := g.Admin.Pair(t.Context(), admin.PairInput{
		Documents: document, Approve: true, Term: admin.Term{Forever: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.PairingString
}

// pair pairs an app that may do what document says.
func (g *gateway) pair(t *testing.T, document string) *client.Connection {
	t.Helper()
	c, err := client.Pair(t.Context(), g.pairingString(t, document), client.App{Name: "Notes"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// app is the id of the only app.
func (g *gateway) app(t *testing.T) string {
	t.Helper()
	apps, err := g.Admin.Apps(t.Context())
	if err != nil || len(apps) != 1 {
		t.Fatalf("got %d apps, %v", len(apps), err)
	}
	return apps[0].ID
}

// sdk is openai-go with nothing but a signing HTTP client and a base URL.
func sdk(c *client.Connection) openai.Client {
	return openai.NewClient(
		option.WithHTTPClient(c.HTTPClient()),
		option.WithBaseURL(c.BaseURL("llm:openai")),
		option.WithMaxRetries(0),
	)
}

func question(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say something.")},
	}
}

// refusal is the code in an SDK's error, or "" when there was none.
func refusal(err error) (status int, code string) {
	var failure *openai.Error
	if errors.As(err, &failure) {
		return failure.StatusCode, failure.Code
	}
	return 0, ""
}

// readAnswer reads an answer whole, with the error code in it if there is one.
func readAnswer(t *testing.T, r *http.Response) (body, code string) {
	t.Helper()
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var failure struct {
		Error struct{ Code string }
	}
	_ = json.Unmarshal(raw, &failure) // not every answer is an error
	return string(raw), failure.Error.Code
}

func chatBody(model string) io.Reader {
	return strings.NewReader(`{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]}`)
}
