package pairing_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

func TestConsentGrantsWhatTheOwnerApproves(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	d, err := g.AskDevice(context.Background(), pairing.DeviceRequest{
		ClientID: a.id, Scope: "mail:resend", Address: "192.0.2.7", Proof: g.proof(a.key, "/oauth/device", ""),
		AuthorizationDetails: `[{"type":"keywicket","identifier":"llm:openai","models":["gpt-4o*"],"expires_in":3600,"reason":"to  write\nnotes"}]`,
	})
	g.must(err)
	a.device = d.DeviceCode
	if d.ExpiresIn != 600 || d.Interval != 5 || d.VerificationURI != issuer+"/device" || d.VerificationURIComplete != issuer+"/device?user_code="+d.UserCode {
		t.Errorf("answer is %+v", d)
	}
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(d.UserCode) {
		t.Errorf("user code is %q", d.UserCode)
	}
	r, err := g.RequestByUserCode(strings.ToLower(strings.ReplaceAll(d.UserCode, "-", " ")))
	g.must(err)
	if all := g.Requests(); len(all) != 1 || all[0].ID != r.ID {
		t.Errorf("pending requests are %+v", all)
	}
	if r.AppName != "Notes" || r.Reason != "to write notes" || r.Address != "192.0.2.7" || r.Status != pairing.RequestPending ||
		r.Fingerprint != dpop.Fingerprint(a.key.Thumbprint()) || len(r.Asked) != 2 || r.Asked[0].Models[0] != "gpt-4o*" ||
		!r.Asked[0].ExpiresAt.Equal(g.clock.Now().Add(time.Hour)) || r.Asked[1].Resource != "mail:resend" {
		t.Errorf("the owner sees %+v", r)
	}
	_, err = a.poll()
	refused(t, err, 400, "authorization_pending")

	// Less than was asked, and on other terms.
	g.must(g.Approve(r.ID, []policy.Document{{Resource: "llm:openai", Models: []string{"gpt-4o-mini"}, MaxOutputTokens: 100}}))
	tokens, err := a.poll()
	g.must(err)
	if tokens.TokenType != "DPoP" || tokens.ExpiresIn != 300 || tokens.Scope != "llm:openai" || len(tokens.AuthorizationDetails) != 1 ||
		string(tokens.AuthorizationDetails[0]) != `{"identifier":"llm:openai","max_output_tokens":100,"models":["gpt-4o-mini"],"type":"keywicket"}` {
		t.Errorf("told the app %q %s", tokens.Scope, tokens.AuthorizationDetails)
	}
	perm, err := g.Permission(a.id, "llm:openai")
	g.must(err)
	if _, err := g.Permission(a.id, "mail:resend"); !errors.Is(err, pairing.ErrNotGranted) {
		t.Errorf("mail:resend: got %v, want ErrNotGranted", err)
	}
	if got, err := g.App(a.id); err != nil || got.Thumbprint != a.key.Thumbprint() {
		t.Errorf("app is bound to %q (%v)", got.Thumbprint, err)
	}
	if r, err := g.Request(r.ID); err != nil || r.Status != pairing.RequestCollected {
		t.Errorf("request is %q (%v), want collected", r.Status, err)
	}
	if err := g.Approve(r.ID, nil); !errors.Is(err, pairing.ErrRequestDecided) {
		t.Errorf("approving twice: got %v", err)
	}

	// Granted anew: other terms, the same permission, so that counters go on.
	a.ask("llm:openai")
	g.must(g.Approve(g.Requests()[0].ID, nil))
	again, err := g.Permission(a.id, "llm:openai")
	g.must(err)
	if again.ID != perm.ID || again.Document.MaxOutputTokens != 0 {
		t.Errorf("permission %s became %+v", perm.ID, again)
	}
	if n := g.events(audit.ConsentApproved); n != 2 {
		t.Errorf("%d approvals in the audit log, want 2", n)
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	a.ask("llm:openai")
	id := g.Requests()[0].ID
	g.must(g.Deny(id))
	_, err := a.poll()
	refused(t, err, 400, "access_denied")
	if err := g.Approve(id, nil); !errors.Is(err, pairing.ErrRequestDecided) {
		t.Errorf("approving after denying: got %v", err)
	}
	if len(g.Permissions(a.id)) != 0 || len(g.Requests()) != 0 || g.events(audit.ConsentDenied) != 1 {
		t.Error("a denied request left something behind")
	}
}

func TestDeviceErrors(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, b := g.register(pairing.StringOptions{}), g.pair()
	gone, paused := g.pair(), g.pair()
	g.must(g.Revoke(gone.id))
	g.must(g.Suspend(paused.id))
	jkt := a.key.Thumbprint()
	type request = pairing.DeviceRequest
	for _, row := range []struct {
		request request
		code    string
	}{
		{request{Scope: "llm:openai"}, "invalid_request"},
		{request{ClientID: "app_nobody", Scope: "llm:openai"}, "invalid_client"},
		{request{ClientID: gone.id, Scope: "llm:openai"}, "invalid_client"},
		{request{ClientID: paused.id, Scope: "llm:openai"}, "unauthorized_client"},
		{request{ClientID: a.id}, "invalid_scope"},
		{request{ClientID: a.id, Scope: "llm:nobody"}, "invalid_scope"},
		{request{ClientID: a.id, Scope: `llm:openai "x\y"`}, "invalid_scope"},
		{request{ClientID: a.id, Scope: strings.Repeat("llm:openai ", 400)}, "invalid_scope"},
		{request{ClientID: a.id, AuthorizationDetails: `{}`}, "invalid_authorization_details"},
		{request{ClientID: a.id, AuthorizationDetails: `[{"type":"keywicket","identifier":"llm:nobody"}]`}, "invalid_authorization_details"},
		{request{ClientID: a.id, AuthorizationDetails: `[{"type":"keywicket","identifier":"llm:openai","actions":["emails.send"]}]`}, "invalid_authorization_details"},
		{request{ClientID: a.id, Scope: "llm:openai", DPoPJKT: "short"}, "invalid_request"},
		{request{ClientID: a.id, Scope: "llm:openai", Proof: g.proof(a.key, "/oauth/token", "")}, "invalid_dpop_proof"},
		{request{ClientID: a.id, Scope: "llm:openai", DPoPJKT: b.key.Thumbprint(), Proof: g.proof(a.key, "/oauth/device", "")}, "invalid_dpop_proof"},
		{request{ClientID: b.id, Scope: "llm:openai", DPoPJKT: jkt}, "invalid_dpop_proof"},
		{request{ClientID: b.id, Scope: "llm:openai", Proof: g.proof(a.key, "/oauth/device", "")}, "invalid_dpop_proof"},
	} {
		_, err := g.AskDevice(context.Background(), row.request)
		refused(t, err, 400, row.code)
	}
	if n := len(g.Requests()); n != 0 {
		t.Errorf("%d requests wait for the owner, want none", n)
	}
	g.must(g.Freeze())
	_, err := g.AskDevice(context.Background(), request{ClientID: a.id, Scope: "llm:openai"})
	refused(t, err, 503, "temporarily_unavailable")
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, b, c, other := g.register(pairing.StringOptions{}), g.pair(), g.register(pairing.StringOptions{}), g.newKey()
	a.ask("llm:openai")
	c.ask("llm:openai")
	type request = pairing.TokenRequest
	device, refresh := pairing.GrantDeviceCode, pairing.GrantRefreshToken
	proof := func(key *dpop.Key) dpop.Request { return g.proof(key, "/oauth/token", "") }
	replayed := proof(b.key)
	_, err := g.Token(context.Background(), request{GrantType: refresh, ClientID: b.id, RefreshToken: b.refresh, Proof: replayed})
	g.must(err)
	_, err = a.poll() // binds the request to a's key
	refused(t, err, 400, "authorization_pending")
	for name, row := range map[string]struct {
		request request
		code    string
	}{
		"no grant type":             {request{ClientID: a.id, Proof: proof(a.key)}, "invalid_request"},
		"other grant type":          {request{GrantType: "password", ClientID: a.id, Proof: proof(a.key)}, "unsupported_grant_type"},
		"no client":                 {request{GrantType: device, DeviceCode: a.device, Proof: proof(a.key)}, "invalid_request"},
		"unknown client":            {request{GrantType: device, ClientID: "app_x", DeviceCode: a.device, Proof: proof(a.key)}, "invalid_client"},
		"no proof":                  {request{GrantType: device, ClientID: a.id, DeviceCode: a.device}, "invalid_request"},
		"two proofs":                {request{GrantType: device, ClientID: a.id, DeviceCode: a.device, Proof: dpop.Request{Headers: append(proof(a.key).Headers, proof(a.key).Headers...)}}, "invalid_dpop_proof"},
		"proof for elsewhere":       {request{GrantType: device, ClientID: a.id, DeviceCode: a.device, Proof: g.proof(a.key, "/oauth/device", "")}, "invalid_dpop_proof"},
		"replayed proof":            {request{GrantType: refresh, ClientID: b.id, RefreshToken: b.refresh, Proof: replayed}, "invalid_dpop_proof"},
		"no device code":            {request{GrantType: device, ClientID: a.id, Proof: proof(a.key)}, "invalid_request"},
		"unknown device code":       {request{GrantType: device, ClientID: a.id, DeviceCode: "x", Proof: proof(a.key)}, "invalid_grant"},
		"another's device code":     {request{GrantType: device, ClientID: b.id, DeviceCode: a.device, Proof: proof(b.key)}, "invalid_grant"},
		"another's, not bound yet":  {request{GrantType: device, ClientID: b.id, DeviceCode: c.device, Proof: proof(b.key)}, "invalid_grant"},
		"device code, another key":  {request{GrantType: device, ClientID: a.id, DeviceCode: a.device, Proof: proof(other)}, "invalid_grant"},
		"used device code":          {request{GrantType: device, ClientID: b.id, DeviceCode: b.device, Proof: proof(b.key)}, "invalid_grant"},
		"no refresh token":          {request{GrantType: refresh, ClientID: b.id, Proof: proof(b.key)}, "invalid_request"},
		"unknown refresh token":     {request{GrantType: refresh, ClientID: b.id, RefreshToken: "x", Proof: proof(b.key)}, "invalid_grant"},
		"refresh by another client": {request{GrantType: refresh, ClientID: a.id, RefreshToken: b.refresh, Proof: proof(b.key)}, "invalid_grant"},
		"refresh with another key":  {request{GrantType: refresh, ClientID: b.id, RefreshToken: b.refresh, Proof: proof(other)}, "invalid_grant"},
		"refresh without a proof":   {request{GrantType: refresh, ClientID: b.id, RefreshToken: b.refresh}, "invalid_request"},
		"refresh for more":          {request{GrantType: refresh, ClientID: b.id, RefreshToken: b.refresh, Scope: "llm:openai mail:resend", Proof: proof(b.key)}, "invalid_scope"},
		"device code as refresh":    {request{GrantType: refresh, ClientID: a.id, RefreshToken: a.device, Proof: proof(a.key)}, "invalid_grant"},
		"access token as refresh":   {request{GrantType: refresh, ClientID: b.id, RefreshToken: b.access, Proof: proof(b.key)}, "invalid_grant"},
	} {
		_, err := g.Token(context.Background(), row.request)
		t.Log(name)
		refused(t, err, 400, row.code)
	}
	g.must(b.renew())
	if n := g.events(audit.SessionCreated); n != 1 {
		t.Errorf("%d sessions were made, want b's alone", n)
	}
}

func TestDeviceCodeWorksOnce(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	a.ask("llm:openai")
	g.must(g.Approve(g.Requests()[0].ID, nil))
	var won atomic.Int64
	var wait sync.WaitGroup
	for range 100 {
		proof := g.proof(a.key, "/oauth/token", "")
		wait.Go(func() {
			_, err := g.Token(context.Background(), pairing.TokenRequest{
				GrantType: pairing.GrantDeviceCode, ClientID: a.id, DeviceCode: a.device, Proof: proof,
			})
			if e, ok := errors.AsType[*pairing.OAuthError](err); err == nil {
				won.Add(1)
			} else if !ok || e.Code != "invalid_grant" {
				t.Errorf("polling: %v", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || len(g.Sessions(a.id)) != 1 {
		t.Errorf("%d polls won and %d sessions live, want one of each", won.Load(), len(g.Sessions(a.id)))
	}
}

func TestPollingPace(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	a.ask("llm:openai")
	for i, row := range []struct {
		after time.Duration
		code  string
	}{
		{0, "authorization_pending"}, // the first may come at once
		{time.Second, "slow_down"},   // from now on 10 s
		{5 * time.Second, "slow_down"},
		{15 * time.Second, "authorization_pending"},
		{14100 * time.Millisecond, "authorization_pending"}, // jitter
		{13 * time.Second, "slow_down"},
	} {
		g.clock.Advance(row.after)
		_, err := a.poll()
		t.Logf("poll %d", i)
		refused(t, err, 400, row.code)
	}
	// An answer that is there is never held back.
	g.must(g.Approve(g.Requests()[0].ID, nil))
	g.must(a.collect())
}

func TestConsentRequestExpires(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	d := a.ask("llm:openai")
	id := g.Requests()[0].ID
	g.clock.Advance(10*time.Minute - time.Second)
	if _, err := g.Request(id); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	g.clock.Advance(time.Second)
	_, err := a.poll()
	refused(t, err, 400, "expired_token")
	_, byCode := g.RequestByUserCode(d.UserCode)
	_, byID := g.Request(id)
	for name, err := range map[string]error{"by id": byID, "by code": byCode, "approve": g.Approve(id, nil), "deny": g.Deny(id)} {
		if !errors.Is(err, pairing.ErrNoRequest) {
			t.Errorf("%s: got %v, want ErrNoRequest", name, err)
		}
	}
	if len(g.Requests()) != 0 {
		t.Error("an expired request is still pending")
	}
	// In the end it is forgotten.
	g.clock.Advance(10 * time.Minute)
	a2 := &app{g: g, key: a.key, id: a.id}
	a2.ask("llm:openai")
	_, err = a.poll()
	refused(t, err, 400, "invalid_grant")
}

func TestPendingRequestsAreCapped(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	ask := func(a *app) error {
		_, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: "llm:openai"})
		return err
	}
	var last *app
	for range 16 {
		last = g.register(pairing.StringOptions{})
		for range 8 {
			g.must(ask(last))
		}
		if e := refused(t, ask(last), 429, "temporarily_unavailable"); e.RetryAfter <= 0 {
			t.Error("no Retry-After")
		}
	}
	another := g.register(pairing.StringOptions{})
	refused(t, ask(another), 429, "temporarily_unavailable")
	// Saying no does not make room for asking again at once.
	for _, r := range g.Requests() {
		if r.AppID == last.id {
			g.must(g.Deny(r.ID))
		}
	}
	refused(t, ask(last), 429, "temporarily_unavailable")
	g.clock.Advance(10 * time.Minute)
	g.must(ask(another))
}

// A client_id is enough to ask in an app's name. It must not be enough to keep
// the app itself from asking, nor to appear with the app's fingerprint.
func TestStrangersAsksAreNotTheApps(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.pair()
	for _, jkt := range []string{"", a.key.Thumbprint()} {
		for range 4 {
			_, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: "llm:openai", DPoPJKT: jkt})
			g.must(err)
		}
	}
	_, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: "llm:openai"})
	refused(t, err, 429, "temporarily_unavailable")
	for _, r := range g.Requests() {
		if r.Fingerprint != "" {
			t.Errorf("a request that nobody signed has the fingerprint %s", r.Fingerprint)
		}
	}
	signed := func() (pairing.DeviceResponse, error) {
		return g.AskDevice(context.Background(), pairing.DeviceRequest{
			ClientID: a.id, Scope: "llm:openai", Proof: g.proof(a.key, "/oauth/device", ""),
		})
	}
	for range 8 {
		d, err := signed()
		g.must(err)
		if r, err := g.RequestByUserCode(d.UserCode); err != nil || r.Fingerprint != dpop.Fingerprint(a.key.Thumbprint()) {
			t.Errorf("the app's own request has the fingerprint %q (%v)", r.Fingerprint, err)
		}
	}
	_, err = signed()
	refused(t, err, 429, "temporarily_unavailable")
}

// Polling proves the key too: an app need not sign its first request.
func TestPollingProvesTheKey(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	for _, jkt := range []string{"", a.key.Thumbprint()} {
		d, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: "llm:openai", DPoPJKT: jkt})
		g.must(err)
		a.device = d.DeviceCode
		_, err = a.poll()
		refused(t, err, 400, "authorization_pending")
		g.restart()
		if r, err := g.RequestByUserCode(d.UserCode); err != nil || r.Fingerprint != dpop.Fingerprint(a.key.Thumbprint()) {
			t.Errorf("named %q: fingerprint is %q (%v)", jkt, r.Fingerprint, err)
		}
	}
}

func TestPresets(t *testing.T) {
	t.Parallel()
	openai := policy.Document{Resource: "llm:openai", Models: []string{"gpt-4o*"}}
	mail := policy.Document{Resource: "mail:resend", MaxBodyBytes: 1000}
	for _, row := range []struct {
		name    string
		preset  []policy.Document
		approve bool
		scope   string
		granted string // at once; empty: the owner is asked
		asks    string // what a plain yes of the owner grants then
	}{
		{"all of it", []policy.Document{openai, mail}, true, "", "llm:openai mail:resend", ""},
		{"a part", []policy.Document{openai, mail}, true, "mail:resend", "mail:resend", ""},
		{"less than asked", []policy.Document{openai}, true, "llm:openai mail:resend", "llm:openai", ""},
		{"something else", []policy.Document{openai}, true, "mail:resend", "", "mail:resend"},
		{"not approved", []policy.Document{openai, mail}, false, "llm:openai", "", "llm:openai"},
		{"not approved, all", []policy.Document{openai, mail}, false, "", "", "llm:openai mail:resend"},
	} {
		g := newGateway(t)
		a := g.register(pairing.StringOptions{Preset: row.preset, Approve: row.approve})
		d := a.ask(row.scope)
		if row.granted == "" {
			_, err := a.poll()
			refused(t, err, 400, "authorization_pending")
			g.must(g.Approve(g.Requests()[0].ID, nil))
			row.granted = row.asks
		} else if d.Interval != 1 {
			t.Errorf("%s: interval is %d s though the answer is there", row.name, d.Interval)
		}
		tokens, err := a.poll()
		g.must(err)
		if tokens.Scope != row.granted {
			t.Errorf("%s: granted %q, want %q", row.name, tokens.Scope, row.granted)
		}
		for _, perm := range g.Permissions(a.id) {
			if i := slices.IndexFunc(row.preset, func(d policy.Document) bool { return d.Resource == perm.Document.Resource }); i >= 0 &&
				fmt.Sprint(perm.Document) != fmt.Sprint(row.preset[i]) {
				t.Errorf("%s: granted %+v, not the preset", row.name, perm.Document)
			}
		}
	}
}

// A client_id is no secret, so approval on redemption must not be a standing
// offer to whoever knows one.
func TestApprovalOnRedemptionIsForOneSession(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	preset := pairing.StringOptions{Preset: []policy.Document{{Resource: "llm:openai"}}, Approve: true}

	a := g.register(preset)
	thief := &app{g: g, key: g.newKey(), id: a.id}
	a.ask("")
	thief.ask("")
	_, err := thief.poll()
	refused(t, err, 400, "authorization_pending") // the approval went to who asked first
	g.must(a.collect())
	refused(t, thief.collect(), 400, "invalid_grant") // the app has its key now
	late := &app{g: g, key: a.key, id: a.id}
	if d := late.ask("llm:openai"); d.Interval != 5 {
		t.Error("a second request was approved on redemption too")
	}
	_, err = late.poll()
	refused(t, err, 400, "authorization_pending")

	b := g.register(preset)
	twin := &app{g: g, key: b.key, id: b.id}
	for _, asks := range []*app{twin, b} {
		d, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: b.id, DPoPJKT: b.key.Thumbprint()})
		g.must(err)
		asks.device = d.DeviceCode
	}
	g.must(b.collect())
	refused(t, twin.collect(), 400, "invalid_grant") // even with the same key

	c := g.register(preset)
	g.clock.Advance(10 * time.Minute)
	c.ask("")
	_, err = c.poll()
	refused(t, err, 400, "authorization_pending")

	d := g.register(preset)
	other, err := g.RequestByUserCode(d.ask("mail:resend").UserCode)
	g.must(err)
	g.must(g.Approve(other.ID, nil)) // once asked, the owner decides
	d.ask("llm:openai")
	_, err = d.poll()
	refused(t, err, 400, "authorization_pending")
}

// A client_id is not enough to get into a pairing that is under way either:
// the first key to collect is the app's from then on.
func TestFirstSessionBindsTheApp(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	thief := &app{g: g, key: g.newKey(), id: a.id}
	a.ask("llm:openai")
	thief.ask("llm:openai")
	for _, r := range g.Requests() {
		g.must(g.Approve(r.ID, nil))
	}
	g.must(a.collect())
	refused(t, thief.collect(), 400, "invalid_grant")
	_, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: "llm:openai", DPoPJKT: thief.key.Thumbprint()})
	refused(t, err, 400, "invalid_dpop_proof")
}

func TestGrantsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	a.ask("llm:openai")
	id := g.Requests()[0].ID
	openai := policy.Document{Resource: "llm:openai"}
	for name, grant := range map[string][]policy.Document{
		"nothing":          {},
		"unknown resource": {{Resource: "llm:nobody"}},
		"unknown action":   {{Resource: "llm:openai", Actions: []string{"x"}}},
		"empty list":       {{Resource: "llm:openai", Models: []string{}}},
		"twice":            {openai, openai},
	} {
		if err := g.Approve(id, grant); !errors.Is(err, pairing.ErrGrant) {
			t.Errorf("%s: got %v, want ErrGrant", name, err)
		}
	}
	repair := g.breakAudit()
	if err := g.Approve(id, nil); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("without audit: got %v, want ErrUnavailable", err)
	}
	if len(g.Permissions(a.id)) != 0 {
		t.Error("something was granted")
	}
	_, err := a.poll()
	refused(t, err, 400, "authorization_pending")
	repair()
	g.must(g.Approve(id, nil))
	repair = g.breakAudit()
	_, err = a.poll()
	refused(t, err, 503, "temporarily_unavailable")
	if len(g.Sessions(a.id)) != 0 {
		t.Error("a session was made that the audit log does not know")
	}
	repair()
	g.must(a.collect())
}

func TestWaitingOutAFreezeOrSuspension(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.register(pairing.StringOptions{})
	a.ask("llm:openai")
	g.must(g.Approve(g.Requests()[0].ID, nil))
	for name, step := range map[string]struct{ off, on func() error }{
		"frozen":    {g.Freeze, g.Thaw},
		"suspended": {func() error { return g.Suspend(a.id) }, func() error { return g.Resume(a.id) }},
	} {
		g.must(step.off())
		g.clock.Advance(10 * time.Second)
		_, err := a.poll()
		t.Log(name)
		refused(t, err, 400, "authorization_pending")
		g.must(step.on())
	}
	g.must(a.collect())
}
