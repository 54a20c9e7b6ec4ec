package ui_test

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// approved pairs an app that may make ten requests a day and has made three.
func (c *console) approved(name string) *app {
	c.t.Helper()
	a := c.asks(name, wantsOpenAI)
	c.must(c.pairing.Approve(a.request().ID, []policy.Document{{
		Resource: "llm:openai", ExpiresAt: c.now.Add(time.Hour),
		Limits: []policy.Limit{{Per: policy.Day, Requests: 10}},
	}}))
	a.collect()
	a.use(3)
	return a
}

// use settles n requests of the app.
func (a *app) use(n int) {
	a.t.Helper()
	for _, p := range a.pairing.Permissions(a.id) {
		for range n {
			r, err := a.ledger.Reserve(p.ID, p.Document, policy.Request{
				AppStatus: "active", Resource: p.Document.Resource, Action: "chat.completions", Model: "gpt-4o-mini", Time: a.now,
			})
			a.must(err)
			r.Settle(policy.Usage{InputTokens: 1400, CachedTokens: 400, OutputTokens: 250})
		}
	}
}

// requestID is the same for the same model, and looks like one.
func requestID(model string) string {
	sum := sha256.Sum256([]byte(model))
	return "req_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// record writes what the proxy writes for one request: two lines for one that
// was let through, one for one that was denied.
func (a *app) record(name, model, code string, latency, tokens int64) {
	a.t.Helper()
	event := audit.Event{
		Kind: audit.RequestStarted, Actor: audit.App, RequestID: requestID(model), AppID: a.id, AppName: name,
		Resource: "llm:openai", Action: "chat.completions", Model: model,
	}
	if code != "" {
		event.Kind, event.Code, event.Status = audit.RequestDenied, code, http.StatusForbidden
		a.must(a.audit.Append(event))
		return
	}
	a.must(a.audit.Append(event))
	event.Kind, event.Status, event.LatencyMS = audit.RequestEnded, http.StatusOK, latency
	event.Usage = &audit.Usage{InputTokens: tokens * 4 / 5, OutputTokens: tokens - tokens*4/5}
	a.must(a.audit.Append(event))
}

func TestApp(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes")
	at := "/apps/" + a.id

	page := v.get(at)
	page.want(t, http.StatusOK, "")
	for _, want := range []string{"Notes", "10 requests a day", "3 of 10", "4,200", "1,200", "750", "192.0.2.17", a.key.Thumbprint(), "Suspend", "Revoke"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("does not show %q", want)
		}
	}
	for _, path := range []string{"/", "/apps"} {
		if page := v.get(path); !strings.Contains(page.body, "3 of 10") {
			t.Errorf("%s does not show today's use", path)
		}
	}

	status := func() pairing.AppStatus {
		app, err := c.pairing.App(a.id)
		c.must(err)
		return app.Status
	}
	v.post(at+"/suspend").want(t, http.StatusSeeOther, at)
	if status() != pairing.AppSuspended || !strings.Contains(v.get(at).body, "Resume") {
		t.Error("not suspended")
	}
	v.post(at+"/resume").want(t, http.StatusSeeOther, at)
	if status() != pairing.AppActive {
		t.Error("not resumed")
	}
	v.post(at+"/revoke").want(t, http.StatusSeeOther, at)
	if page := v.get(at); status() != pairing.AppRevoked || strings.Contains(page.body, at+"/revoke") || strings.Contains(page.body, at+"/resume") {
		t.Error("not revoked, or offers a way back")
	}
	v.post(at+"/resume").want(t, http.StatusConflict, "")
	v.get("/apps/app_none").want(t, http.StatusNotFound, "")
	v.post("/apps/app_none/revoke").want(t, http.StatusNotFound, "")
}

// TestAppWaits shows an app as waiting until something is granted to it.
func TestAppWaits(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks("Notes", wantsOpenAI)
	pills := func(want string) {
		t.Helper()
		for _, path := range []string{"/", "/apps", "/apps/" + a.id} {
			if page := v.get(path); !strings.Contains(page.body, `">`+want+`</span>`) {
				t.Errorf("%s does not show it as %s", path, want)
			}
		}
	}
	pills("waiting")
	c.must(c.pairing.Suspend(a.id))
	pills("suspended")
	c.must(c.pairing.Resume(a.id))
	c.must(c.pairing.Approve(a.request().ID, []policy.Document{{Resource: "llm:openai", ExpiresAt: c.now.Add(time.Hour)}}))
	pills("active")
}

func TestActivity(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes")
	other := c.approved("Mailer")
	a.record("Notes", "gpt-4o-mini", "", 820, 1650)
	a.record("Notes", "gpt-5", "model_not_allowed", 0, 0)

	all := v.get("/activity").body
	for _, want := range []string{"<bdi>“Notes”</bdi> was refused", "model_not_allowed", requestID("gpt-5"), "gpt-5", "<bdi>“Notes”</bdi> used OpenAI", "1,650 tokens", "820 ms", "You approved <bdi>“Mailer”</bdi>"} {
		if !strings.Contains(all, want) {
			t.Errorf("does not show %q", want)
		}
	}
	if strings.Contains(all, "is using") {
		t.Error("a request that has ended is shown as running")
	}
	if denied := v.get("/activity?only=denied").body; !strings.Contains(denied, "model_not_allowed") || strings.Contains(denied, "used OpenAI") {
		t.Error("denials cannot be told apart")
	}
	if one := v.get("/activity?app=" + other.id).body; strings.Contains(one, "model_not_allowed") || !strings.Contains(one, "You approved <bdi>“Mailer”</bdi>") {
		t.Error("the activity of one app shows another's")
	}
}

// TestKillSwitchWithoutAudit takes the audit log away: what protects must
// still work, and say that it was not recorded.
func TestKillSwitchWithoutAudit(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes")
	breakAudit(c)
	for _, path := range []string{"/freeze", "/lock", "/apps/" + a.id + "/revoke"} {
		if got := v.post(path); got.StatusCode < 500 || !strings.Contains(got.body, "data directory") {
			t.Errorf("%s: %d, want an error that says what to do", path, got.StatusCode)
		}
	}
	app, err := c.pairing.App(a.id)
	c.must(err)
	if !c.pairing.Frozen() || !c.vault.Locked() || app.Status != pairing.AppRevoked {
		t.Error("a switch did not work")
	}
	if got := v.post("/unlock", "passphrase", passphrase); got.StatusCode != http.StatusServiceUnavailable || !c.vault.Locked() {
		t.Errorf("unlocked without a record: %d", got.StatusCode)
	}
}

// TestSessionsEndOneByOne ends one of two sessions of an app.
func TestSessionsEndOneByOne(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes")
	again := a.ask(wantsOpenAI)
	c.must(c.pairing.Approve(again.request().ID, nil))
	again.collect()
	sessions := c.pairing.Sessions(a.id)
	if len(sessions) != 2 {
		t.Fatalf("%d sessions, want 2", len(sessions))
	}
	page := v.get("/apps/" + a.id)
	for _, s := range sessions {
		for _, want := range []string{s.ID, s.Address, `action="/sessions/` + s.ID + `/end"`, strings.Split(s.Fingerprint(), "-")[0]} {
			if !strings.Contains(page.body, want) {
				t.Errorf("does not show %q", want)
			}
		}
	}
	v.post("/sessions/"+sessions[0].ID+"/end").want(t, http.StatusSeeOther, "/apps/"+a.id)
	v.post("/sessions/"+sessions[0].ID+"/end").want(t, http.StatusNotFound, "")
	if left := c.pairing.Sessions(a.id); len(left) != 1 || left[0].ID != sessions[1].ID {
		t.Errorf("left: %v", left)
	}
}
