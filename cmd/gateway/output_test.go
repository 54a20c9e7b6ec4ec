package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
)

// TestNothingMovesTheCursor: what an app says about itself cannot change what
// the owner reads on the terminal.
func TestNothingMovesTheCursor(t *testing.T) {
	t.Parallel()
	const evil = "Notes\x1b[2K\rBank\u202egnihtyreve\nforged line\u200b"
	g, out, _ := newRun(nil)
	g.showRequest(admin.Request{
		ID: evil, AppName: evil, AppURI: evil, Reason: evil, Address: evil,
		Proposal: []admin.Terms{{Document: policy.Document{Resource: evil}, Words: []string{evil}}},
	})
	g.showApp(admin.AppDetail{App: admin.App{Name: evil}, Usage: []admin.Usage{{Model: evil}}})
	g.list("", "NAME", [][]string{{evil}})
	g.say("%s", eventLine(admin.Event{AppName: evil, Model: evil, Detail: evil}))
	if text := out.String(); strings.ContainsAny(text, "\x1b\r\u202e\u200b") || strings.Contains(text, "\nforged") {
		t.Errorf("control characters reached the terminal:\n%q", text)
	}
	if text := oneLine(errors.New(evil)); strings.ContainsAny(text, "\x1b\r\n\u202e") {
		t.Errorf("an error became %q", text)
	}
}

// TestEventLine: an app's name cannot pass for further details of the event.
func TestEventLine(t *testing.T) {
	t.Parallel()
	line := eventLine(admin.Event{
		Time: time.Date(2026, 11, 21, 12, 25, 0, 0, time.FixedZone("", 3600)), Kind: "request.denied", Actor: "app",
		AppName: "Notes status=200", Model: "gpt-4o", Code: "model_not_allowed", Status: 403, Detail: "why",
	})
	const want = `2026-11-21T11:25:00Z request.denied       app app="Notes status=200" model=gpt-4o code=model_not_allowed status=403 (why)`
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

func TestJSONLists(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := writeJSON(&out, []admin.App(nil)); err != nil || out.String() != "[]\n" {
		t.Errorf("no apps print as %q, %v", out.String(), err)
	}
}

// TestShapes holds the JSON that scripts rely on.
func TestShapes(t *testing.T) {
	t.Parallel()
	resets := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name  string
		value any
		wants []string
	}{
		{"pair", admin.PairOutput{}, []string{`"pairing_string": `, `"expires_at": `}},
		{"app list", []admin.App{{}}, []string{`"id": `, `"name": `, `"status": `, `"permissions": [`}},
		{"status", admin.Status{}, []string{`"locked": false`, `"frozen": false`, `"initialized": false`, `"public_url": `, `"running": 0`}},
		{"app show", admin.AppDetail{Usage: []admin.Usage{{Per: "day", Limit: 3, ResetsAt: &resets}}}, []string{
			`"limit": 3`, `"used": 0`, `"held": 0`, `"resets_at": "2026-12-01T00:00:00Z"`, `"per": "day"`, `"id": `,
		}},
	} {
		var out strings.Builder
		if err := writeJSON(&out, row.value); err != nil {
			t.Fatal(err)
		}
		for _, want := range row.wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %s:\n%s", row.name, want, out.String())
			}
		}
	}
}
