package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/owner"
)

// TestRefusals: every refusal carries its code and says what to type next.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d, fresh := newDesk(t), newDesk(t)
	d.setUp(t)
	request := d.ask(t, "Notes", asksOpenAI)
	decided := d.ask(t, "Other", asksOpenAI)
	_, err := d.Deny(t.Context(), decided.ID)
	check(t, err)
	revoked := d.ask(t, "Gone", asksOpenAI)
	_, err = d.Revoke(t.Context(), revoked.AppID)
	check(t, err)
	d.ask(t, "Notes", asksOpenAI)
	_, err = d.AddKey(t.Context(), admin.KeyInput{Resource: "llm:openai", Label: "home", Secret: canary})
	check(t, err)
	slots, err := d.Slots(t.Context())
	check(t, err)

	add := func(in admin.KeyInput) func(context.Context) error {
		return func(ctx context.Context) error { _, err := d.AddKey(ctx, in); return err }
	}
	pair := func(in admin.PairInput) func(context.Context) error {
		return func(ctx context.Context) error { _, err := d.Pair(ctx, in); return err }
	}
	approve := func(name string, in admin.ApproveInput) func(context.Context) error {
		return func(ctx context.Context) error { _, err := d.Approve(ctx, name, in); return err }
	}
	for _, row := range []struct {
		name string
		do   func(context.Context) error
		code admin.Code
		next string
	}{
		{"init twice", func(ctx context.Context) error { return d.Init(ctx, admin.InitInput{Passphrase: passphrase}) }, admin.CodeInitialized, "gateway unlock"},
		{"unlock before init", func(ctx context.Context) error { return fresh.Unlock(ctx, passphrase) }, admin.CodeNotInitialized, "gateway init"},
		{"weak passphrase", func(ctx context.Context) error { return fresh.Init(ctx, admin.InitInput{Passphrase: "short"}) }, admin.CodeWeakPassphrase, "run the command again"},
		{"wrong passphrase", func(ctx context.Context) error { return d.Unlock(ctx, "wrong horse battery") }, admin.CodeWrongPassphrase, "gateway unlock"},
		{"mistyped code", func(ctx context.Context) error { return d.UnlockWithRecoveryCode(ctx, "7KQ2") }, admin.CodeWrongRecoveryCode, "again"},
		{"foreign code", func(ctx context.Context) error {
			return d.UnlockWithRecoveryCode(ctx, "0000-0000-0000-0000-0000-0000-0000")
		}, admin.CodeWrongRecoveryCode, "gateway unlock --recovery-code"},
		{"same label", add(admin.KeyInput{Resource: "llm:openai", Label: "work", Secret: canary}), admin.CodeKeyExists, "--label"},
		{"unknown resource", add(admin.KeyInput{Resource: "llm:nobody", Secret: canary}), admin.CodeUnknownResource, "llm:openai"},
		{"plain http", add(admin.KeyInput{Resource: "llm:openai", Label: "far", BaseURL: "http://example.com", Secret: canary}), admin.CodeInvalidRequest, "again"},
		{"no secret", add(admin.KeyInput{Resource: "llm:openai", Label: "none"}), admin.CodeInvalidRequest, "again"},
		{"no such key", func(ctx context.Context) error { _, err := d.TestKey(ctx, "nothing"); return err }, admin.CodeNoKey, "gateway key list"},
		{"ambiguous key", func(ctx context.Context) error { _, err := d.RemoveKey(ctx, "llm:openai"); return err }, admin.CodeAmbiguous, "gateway key list"},
		{"no such slot", func(ctx context.Context) error { return d.RemoveSlot(ctx, "slot_nothing") }, admin.CodeNoSlot, "gateway slot list"},
		{"last passphrase", func(ctx context.Context) error { return d.RemoveSlot(ctx, slots[0].ID) }, admin.CodeLastSlot, "gateway slot add-passphrase"},
		{"unknown member", pair(admin.PairInput{Documents: `{"resource":"llm:openai","tokens":5}`}), admin.CodeInvalidPolicy, "again"},
		{"duplicate member", pair(admin.PairInput{Documents: `{"resource":"llm:openai","resource":"llm:openai"}`}), admin.CodeInvalidPolicy, "again"},
		{"not JSON", pair(admin.PairInput{Documents: "resource: llm:openai"}), admin.CodeInvalidPolicy, "again"},
		{"unknown resource in a policy", pair(admin.PairInput{Documents: `{"resource":"llm:nobody"}`}), admin.CodeUnknownResource, "llm:openai"},
		{"approve nothing", pair(admin.PairInput{Approve: true}), admin.CodeNothingToGrant, "--policy"},
		{"long string", pair(admin.PairInput{TTLSeconds: 3601}), admin.CodeInvalidRequest, "--ttl"},
		{"short string", pair(admin.PairInput{TTLSeconds: 1}), admin.CodeInvalidRequest, "gateway pair --help"},
		{"expires and forever", pair(admin.PairInput{Documents: `{"resource":"llm:openai"}`, Term: admin.Term{Seconds: 60, Forever: true}}), admin.CodeInvalidRequest, "--forever"},
		{"too far", pair(admin.PairInput{Documents: `{"resource":"llm:openai"}`, Term: admin.Term{Seconds: 1 << 62}}), admin.CodeInvalidRequest, "--expires"},
		{"no such request", approve("req_nothing", admin.ApproveInput{}), admin.CodeNoRequest, "gateway requests"},
		{"answered request", approve(decided.ID, admin.ApproveInput{}), admin.CodeRequestClosed, "gateway app list"},
		{"bad action", approve(request.ID, admin.ApproveInput{Documents: `{"resource":"llm:openai","actions":["nothing"]}`}), admin.CodeInvalidPolicy, "again"},
		{"no such app", func(ctx context.Context) error { _, err := d.App(ctx, "nobody"); return err }, admin.CodeNoApp, "gateway app list"},
		{"two apps of one name", func(ctx context.Context) error { _, err := d.Revoke(ctx, "Notes"); return err }, admin.CodeAmbiguous, "gateway app list"},
		{"resume a revoked app", func(ctx context.Context) error { _, err := d.Resume(ctx, revoked.AppID); return err }, admin.CodeAppRevoked, "gateway pair"},
		{"too many lines", func(ctx context.Context) error { _, err := d.Audit(ctx, 10_001); return err }, admin.CodeInvalidRequest, "--lines"},
	} {
		err := row.do(t.Context())
		refusal, ok := errors.AsType[*admin.Error](err)
		if !ok || refusal.Code != row.code {
			t.Errorf("%s: got %v, want %s", row.name, err, row.code)
			continue
		}
		if !strings.Contains(refusal.Message, row.next) || strings.Contains(refusal.Message, "\n") {
			t.Errorf("%s: %q does not say %q in one line", row.name, refusal.Message, row.next)
		}
		if !errors.Is(err, &admin.Error{Code: row.code}) {
			t.Errorf("%s: errors.Is does not find its code", row.name)
		}
	}
	if d.log.Len() > 0 {
		t.Errorf("a refusal was logged as a failure:\n%s", d.log)
	}
}

// TestStrictRequests: what this version does not understand is refused, not
// guessed at, and its refusal quotes nothing of it.
func TestStrictRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, body := range map[string]string{
		"unknown member":   `{"passphrase":"` + canary + `","remember":true}`,
		"duplicate member": `{"passphrase":"` + canary + `","passphrase":"` + canary + `"}`,
		"trailing data":    `{"passphrase":"` + canary + `"} {}`,
		"wrong type":       `{"passphrase":["` + canary + `"]}`,
		"not JSON":         canary,
		"nothing":          "",
		"too large":        `{"passphrase":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		status, answer := d.post(t, "/owner/v1/init", body)
		if status/100 != 4 || !strings.Contains(answer, `"error"`) || strings.Contains(answer, canary) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if status, answer := d.post(t, "/owner/v1/nothing", "{}"); status != http.StatusNotFound || !strings.Contains(answer, `"code":"unsupported"`) {
		t.Errorf("an unknown route: %d %s", status, answer)
	}
	if got, err := d.Status(t.Context()); err != nil || got.Initialized {
		t.Errorf("after refusals only: %+v, %v", got, err)
	}
}

// post sends raw bytes over the socket.
func (d *desk) post(t *testing.T, path, body string) (status int, answer string) {
	t.Helper()
	raw := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return owner.DialSocket(ctx, d.dir)
		},
	}}
	res, err := raw.Post("http://keywicket"+path, "application/json", bytes.NewReader([]byte(body)))
	check(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	check(t, err)
	return res.StatusCode, string(data)
}

// TestNoServer: each data directory is named, so that the command can be
// copied.
func TestNoServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := admin.Dial(dir)
	if !errors.Is(err, admin.ErrNoServer) {
		t.Fatalf("got %v, want ErrNoServer", err)
	}
	if want := "no gateway is running for " + dir + "; start one with: gateway serve --data " + dir; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// TestUnrecorded: what cannot be recorded does not stay done, except when it
// takes rights away.
func TestUnrecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	check(t, d.Lock(t.Context()))
	check(t, d.audit.Close())
	refused := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, &admin.Error{Code: admin.CodeAuditUnavailable}) {
			t.Errorf("%s: got %v, want %s", name, err, admin.CodeAuditUnavailable)
		}
	}
	refused("unlock", d.Unlock(t.Context(), passphrase))
	if !d.vault.Locked() {
		t.Error("the vault stays unlocked without a record of it")
	}
	check(t, d.vault.Unlock([]byte(passphrase)))
	_, err := d.AddKey(t.Context(), admin.KeyInput{Resource: "llm:openai", Label: "unrecorded", Secret: canary})
	refused("add a key", err)
	_, err = d.AddKeyFile(t.Context(), "")
	refused("add a key file", err)
	keys, err := d.Keys(t.Context())
	check(t, err)
	slots, err := d.Slots(t.Context())
	check(t, err)
	if len(keys) != 1 || len(slots) != 1 {
		t.Errorf("%d keys and %d slots stay without a record", len(keys), len(slots))
	}
	refused("lock", d.Lock(t.Context()))
	if !d.vault.Locked() {
		t.Error("lock waited for the audit log")
	}
	refused("freeze", d.Freeze(t.Context()))
	if !d.pairing.Frozen() {
		t.Error("freeze waited for the audit log")
	}
}
