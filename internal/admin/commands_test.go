package admin_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
)

func TestLockAndUnlock(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if got, err := d.Status(t.Context()); err != nil || got.Initialized || !got.Locked || got.Frozen {
		t.Fatalf("a new gateway: %+v, %v", got, err)
	}
	d.setUp(t)
	check(t, d.Lock(t.Context()))
	if got, err := d.Status(t.Context()); err != nil || !got.Locked || got.Keys != 1 {
		t.Fatalf("locked: %+v, %v", got, err)
	}
	if _, err := d.TestKey(t.Context(), "work"); !errors.Is(err, &admin.Error{Code: admin.CodeLocked}) {
		t.Errorf("testing a key while locked: %v", err)
	}
	check(t, d.Unlock(t.Context(), passphrase))
	check(t, d.Freeze(t.Context()))
	check(t, d.Thaw(t.Context()))
	check(t, d.SignOut(t.Context()))
	if d.signedOut != 1 {
		t.Errorf("signed out %d times, want once", d.signedOut)
	}
	want := []audit.Kind{
		audit.VaultInitialized, audit.KeyAdded, audit.VaultLocked, audit.VaultUnlocked, audit.GatewayFrozen, audit.GatewayThawed,
		audit.OwnerSignedOut,
	}
	if got := d.kinds(t, 10); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	added, err := d.AddKeyFile(t.Context(), "server")
	check(t, err)
	slots, err := d.Slots(t.Context())
	check(t, err)
	if len(slots) != 2 || slots[1] != added.Slot || added.Slot.Label != "server" {
		t.Fatalf("slots %+v, added %+v", slots, added.Slot)
	}
	check(t, d.Lock(t.Context()))
	check(t, d.vault.UnlockWithKey(added.Key))
	check(t, d.RemoveSlot(t.Context(), added.Slot.ID))
	d.vault.Lock()
	if err := d.vault.UnlockWithKey(added.Key); err == nil {
		t.Error("the key file still unlocks after its slot was removed")
	}
}

func TestRecoveryCode(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	made, err := d.AddRecoveryCode(t.Context(), "")
	check(t, err)
	check(t, d.Lock(t.Context()))
	check(t, d.UnlockWithRecoveryCode(t.Context(), strings.ToLower(made.Code)))
	if d.vault.Locked() {
		t.Error("still locked")
	}
	events, err := d.Audit(t.Context(), 10)
	check(t, err)
	for _, event := range events {
		if strings.Contains(event.Detail, made.Code) {
			t.Errorf("the code is in the audit log: %+v", event)
		}
	}
}

func TestPassphrases(t *testing.T) {
	t.Parallel()
	const second, third = "another horse and battery", "a third horse and battery"
	d := newDesk(t)
	d.setUp(t)
	slot, err := d.AddPassphrase(t.Context(), admin.PassphraseInput{Label: "travel", Passphrase: second})
	if err != nil || slot.Kind != "passphrase" || slot.Label != "travel" {
		t.Fatalf("added %+v, %v", slot, err)
	}
	check(t, d.ChangePassphrase(t.Context(), admin.ChangeInput{Old: passphrase, New: third}))
	check(t, d.Unlock(t.Context(), second))
	check(t, d.Unlock(t.Context(), third))
	err = d.ChangePassphrase(t.Context(), admin.ChangeInput{Old: passphrase, New: second})
	if !errors.Is(err, &admin.Error{Code: admin.CodeWrongPassphrase}) {
		t.Errorf("changing with the old passphrase: %v", err)
	}
	want := []audit.Kind{"vault.slot_added", "vault.passphrase_changed", audit.VaultUnlocked, audit.VaultUnlocked, audit.VaultUnlockRefused}
	if got := d.kinds(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	added := d.setUp(t)
	for _, name := range []string{added.ID, "work", "llm:openai"} {
		test, err := d.TestKey(t.Context(), name)
		if err != nil || test.Key.ID != added.ID || !test.OK || test.Words != "It works." {
			t.Errorf("testing %s: %+v, %v", name, test, err)
		}
	}
	if !slices.Equal(d.tested, []string{added.ID, added.ID, added.ID}) {
		t.Errorf("tested %v", d.tested)
	}
	removed, err := d.RemoveKey(t.Context(), "work")
	if err != nil || removed.ID != added.ID {
		t.Fatalf("removed %+v, %v", removed, err)
	}
	if keys, err := d.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("left: %v, %v", keys, err)
	}
	files, err := filepath.Glob(filepath.Join(d.dir, "*"))
	check(t, err)
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil && strings.Contains(string(data), canary) {
			t.Errorf("the key is in %s in clear", filepath.Base(name))
		}
	}
	if strings.Contains(d.log.String(), canary) {
		t.Error("the key is in the log")
	}
}

// TestEnds: a permission without an end is a choice, never an omission.
func TestEnds(t *testing.T) {
	t.Parallel()
	const open, ending = `{"resource":"llm:openai"}`, `{"resource":"llm:openai","expires_in":"2h"}`
	for _, row := range []struct {
		name      string
		document  string
		term      admin.Term
		want      time.Duration // 0 is forever
		defaulted bool
	}{
		{"nothing said", open, admin.Term{}, admin.DefaultTerm, true},
		{"the document says", ending, admin.Term{}, 2 * time.Hour, false},
		{"forever", open, admin.Term{Forever: true}, 0, false},
		{"forever leaves an end alone", ending, admin.Term{Forever: true}, 2 * time.Hour, false},
		{"expires", open, admin.Term{Seconds: 3600}, time.Hour, false},
		{"expires beats the document", ending, admin.Term{Seconds: 3600}, time.Hour, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			made, err := d.Pair(t.Context(), admin.PairInput{Documents: row.document, Term: row.term})
			check(t, err)
			request := d.ask(t, "Notes", asksOpenAI)
			granted, err := d.Approve(t.Context(), request.UserCode, admin.ApproveInput{Documents: row.document, Term: row.term})
			check(t, err)
			stored := d.pairing.Permissions(request.AppID)
			if len(stored) != 1 || len(made.Preset) != 1 || len(granted.Granted) != 1 {
				t.Fatalf("stored %v, preset %v, granted %v", stored, made.Preset, granted.Granted)
			}
			for where, document := range map[string]policy.Document{
				"preset": made.Preset[0].Document, "granted": granted.Granted[0].Document, "stored": stored[0].Document,
			} {
				var end time.Time
				if row.want > 0 {
					end = d.now.Add(row.want)
				}
				if !document.ExpiresAt.Equal(end) && document.ExpiresAt.Sub(end).Abs() > time.Second {
					t.Errorf("%s ends at %v, want %v", where, document.ExpiresAt, end)
				}
			}
			if made.DefaultedEnd != row.defaulted || granted.DefaultedEnd != row.defaulted {
				t.Errorf("said so: preset %v, granted %v, want %v", made.DefaultedEnd, granted.DefaultedEnd, row.defaulted)
			}
			if words := strings.Join(granted.Granted[0].Words, "\n"); row.want == 0 != strings.Contains(strings.ToLower(words), "forever") {
				t.Errorf("the words are %q", words)
			}
		})
	}
}

// TestProposal: without changes an app gets the preset for what it asked, and
// what it asked only when there is no preset.
func TestProposal(t *testing.T) {
	t.Parallel()
	preset := policy.Document{Resource: "llm:openai", Models: []string{"gpt-4o*"}}
	const asks = `[{"type":"keywicket","identifier":"llm:openai","models":["*"]}]`
	for _, row := range []struct {
		name    string
		details string
		preset  []policy.Document
		want    []string // models
	}{
		{"asked, no preset", asks, nil, []string{"*"}},
		{"asked, preset", asks, []policy.Document{preset}, []string{"gpt-4o*"}},
		{"preset, nothing asked", "", []policy.Document{preset}, []string{"gpt-4o*"}},
		{"asked one, preset another", asks, []policy.Document{{Resource: "llm:other"}}, []string{"*"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			asked := d.ask(t, "Notes", row.details, row.preset...)
			requests, err := d.Requests(t.Context())
			if err != nil || len(requests) != 1 || requests[0].ID != asked.ID || requests[0].AppName != "Notes" || requests[0].Address != "192.0.2.7" {
				t.Fatalf("requests %+v, %v", requests, err)
			}
			output, err := d.Approve(t.Context(), asked.ID, admin.ApproveInput{})
			check(t, err)
			stored := d.pairing.Permissions(asked.AppID)
			if len(stored) != 1 || !slices.Equal(stored[0].Document.Models, row.want) || len(requests[0].Proposal) != 1 {
				t.Errorf("stored %+v, proposed %+v", stored, requests[0].Proposal)
			}
			if output.Request.Status != "approved" {
				t.Errorf("status %s", output.Request.Status)
			}
		})
	}
}

func TestApps(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if apps, err := d.Apps(t.Context()); err != nil || len(apps) != 0 {
		t.Fatalf("apps %v, %v", apps, err)
	}
	request := d.ask(t, "Notes", asksOpenAI)
	_, err := d.Approve(t.Context(), request.ID, admin.ApproveInput{
		Documents: `{"resource":"llm:openai","limits":[{"per":"day","requests":3},{"per":"lifetime","model":"gpt-4o","requests":9}]}`,
	})
	check(t, err)
	app, err := d.App(t.Context(), "Notes")
	check(t, err)
	if app.ID != request.AppID || app.Status != "active" || len(app.Permissions) != 1 || len(app.Terms) != 1 || len(app.Usage) != 2 || len(app.Totals) != 1 {
		t.Fatalf("%+v", app)
	}
	day, life := app.Usage[0], app.Usage[1]
	if day.Per != "day" || day.Unit != "requests" || day.Limit != 3 || day.Used != 0 || day.ResetsAt == nil {
		t.Errorf("day: %+v", day)
	}
	if life.Per != "lifetime" || life.Model != "gpt-4o" || life.ResetsAt != nil {
		t.Errorf("lifetime: %+v", life)
	}
	for _, row := range []struct {
		change func(context.Context, string) (admin.App, error)
		want   string
	}{{d.Suspend, "suspended"}, {d.Resume, "active"}, {d.Revoke, "revoked"}} {
		if changed, err := row.change(t.Context(), "Notes"); err != nil || changed.Status != row.want {
			t.Errorf("got %+v, %v; want %s", changed, err, row.want)
		}
	}
	// A revoked app leaves its name to the next.
	again := d.ask(t, "Notes", asksOpenAI)
	if app, err := d.App(t.Context(), "Notes"); err != nil || app.ID != again.AppID {
		t.Errorf("got %+v, %v", app, err)
	}
	if got, err := d.Status(t.Context()); err != nil || got.Apps != 1 || got.PendingRequests != 1 {
		t.Errorf("status %+v, %v", got, err)
	}
}
