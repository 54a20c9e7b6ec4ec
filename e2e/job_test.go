package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
)

// TestMainJob is the product in one test: key, string, consent, call, stream,
// denial, cap, revocation.
func TestMainJob(t *testing.T) {
	t.Parallel()
	g := start(t)
	ctx := t.Context()

	made, err := g.Admin.Pair(ctx, admin.PairInput{})
	if err != nil {
		t.Fatal(err)
	}
	pending := make(chan client.Pending, 1)
	paired := make(chan *client.Connection, 1)
	go func() {
		c, err := client.Pair(ctx, made.PairingString, client.App{
			Name: "Notes",
			Ask: []client.Permission{{
				Resource: "llm:openai", Models: []string{"gpt-4o*"}, Reason: "to summarise notes",
				Limits: []client.Limit{{Per: "day", Requests: 3}},
			}},
			OnPending: func(p client.Pending) { pending <- p },
		})
		if err != nil {
			t.Errorf("pairing: %v", err)
		}
		paired <- c
	}()

	shown := <-pending
	requests, err := g.Admin.Requests(ctx)
	if err != nil || len(requests) != 1 {
		t.Fatalf("got %d requests, %v", len(requests), err)
	}
	asked := requests[0]
	if asked.AppName != "Notes" || asked.UserCode != shown.UserCode || asked.Fingerprint != shown.Fingerprint || asked.Reason != "to summarise notes" {
		t.Errorf("the owner sees %+v, the app %+v", asked, shown)
	}
	approved, err := g.Admin.Approve(ctx, asked.ID, admin.ApproveInput{})
	if err != nil {
		t.Fatal(err)
	}
	if !approved.DefaultedEnd || approved.Granted[0].Document.ExpiresAt.IsZero() {
		t.Errorf("a permission without an end was granted without the owner saying forever: %+v", approved.Granted)
	}
	c := <-paired
	if c == nil {
		t.FailNow()
	}

	ai := sdk(c)
	answer, err := ai.Chat.Completions.New(ctx, question("gpt-4o-mini"))
	if err != nil || answer.Choices[0].Message.Content == "" || answer.Usage.TotalTokens == 0 {
		t.Fatalf("asking: %+v, %v", answer, err)
	}
	stream := ai.Chat.Completions.NewStreaming(ctx, question("gpt-4o-mini"))
	text := ""
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			text += choice.Delta.Content
		}
	}
	if stream.Err() != nil || text != answer.Choices[0].Message.Content {
		t.Fatalf("streaming: %q, %v", text, stream.Err())
	}
	if _, err := ai.Chat.Completions.New(ctx, question("o3-pro")); client.CodeError(code(err)) != client.ErrModelNotAllowed {
		t.Errorf("other model: %v", err)
	}
	if _, err := ai.Chat.Completions.New(ctx, question("gpt-4o")); err != nil {
		t.Errorf("third request: %v", err)
	}
	if status, code := refusal(second(ai.Chat.Completions.New(ctx, question("gpt-4o")))); status != 429 || code != "request_quota_spent" {
		t.Errorf("over the cap: %d %s", status, code)
	}
	if n := g.Fake.Count(); n != 3 {
		t.Errorf("the provider saw %d requests, want 3", n)
	}
	checkUsage(t, g)
	for _, r := range g.Fake.Requests() {
		if got := r.Header.Get("Authorization"); got != "Bearer "+canaryKey || r.Header.Get("DPoP") != "" {
			t.Errorf("upstream headers: %v", r.Header)
		}
	}
}

// checkUsage reads what app show reports after three of three requests.
func checkUsage(t *testing.T, g *gateway) {
	t.Helper()
	detail, err := g.Admin.App(t.Context(), g.app(t))
	if err != nil || len(detail.Usage) != 1 || len(detail.Totals) != 1 {
		t.Fatalf("%+v, %v", detail, err)
	}
	if u := detail.Usage[0]; u.Limit != 3 || u.Used != 3 || u.Held != 0 || u.ResetsAt == nil {
		t.Errorf("usage: %+v", u)
	}
	if total := detail.Totals[0]; total.InputTokens == 0 || total.OutputTokens == 0 {
		t.Errorf("totals: %+v", total)
	}
}

// TestKillSwitch cuts a running stream in each way the owner has. The client
// sees an error event, not a silent end, and the provider is hung up on.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, code string
		pull       func(ctx context.Context, g *gateway, app string) error
	}{
		{"revoke", "invalid_token", func(ctx context.Context, g *gateway, app string) error {
			_, err := g.Admin.Revoke(ctx, app)
			return err
		}},
		{"suspend", "app_suspended", func(ctx context.Context, g *gateway, app string) error {
			_, err := g.Admin.Suspend(ctx, app)
			return err
		}},
		{"lock", "vault_locked", func(ctx context.Context, g *gateway, _ string) error { return g.Admin.Lock(ctx) }},
		{"freeze", "frozen", func(ctx context.Context, g *gateway, _ string) error { return g.Admin.Freeze(ctx) }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			g.Fake.Script(endless())
			ai := sdk(g.pair(t, `{"resource":"llm:openai"}`))
			stream := ai.Chat.Completions.NewStreaming(t.Context(), question("gpt-4o"))
			for range 3 {
				if !stream.Next() {
					t.Fatalf("the stream ended early: %v", stream.Err())
				}
			}
			if err := row.pull(t.Context(), g, g.app(t)); err != nil {
				t.Fatal(err)
			}
			for stream.Next() { // what was under way before the cut
			}
			if err := stream.Err(); err == nil || !strings.Contains(err.Error(), row.code) {
				t.Errorf("the stream ended with %v, want %s", err, row.code)
			}
			if err := g.Fake.Wait(t.Context(), func() bool { return g.Fake.Running() == 0 }); err != nil {
				t.Errorf("the provider is still streaming: %v", err)
			}
			before := g.Fake.Count()
			if _, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o")); err == nil {
				t.Error("a request passed afterwards")
			}
			if g.Fake.Count() != before {
				t.Error("a request reached the provider afterwards")
			}
		})
	}
}

func code(err error) string {
	_, c := refusal(err)
	return c
}

func second(_ *openai.ChatCompletion, err error) error { return err }
